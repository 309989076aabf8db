using Streams.Gateways;

namespace Streams.Server;

/// <summary>Checks what options say of TLS and of the endpoints that are there only when they are named.</summary>
internal static class TlsCheck
{
    /// <summary>The endpoints that are there only when they are named, by their switches.</summary>
    public static IEnumerable<(string Name, ListenAddress At)> FurtherEndpoints(ServerOptions options)
    {
        (OptionKey Key, ListenAddress? At)[] all =
        [
            (OptionKey.MqttTls, options.MqttTls), (OptionKey.MqttWs, options.MqttWs),
            (OptionKey.MqttWss, options.MqttWss), (OptionKey.HttpTls, options.HttpTls),
        ];
        return all.Where(static e => e.At is not null).Select(static e => (e.Key.Switch, e.At!.Value));
    }

    /// <summary>Adds what is wrong, the files included: a server that starts has a certificate that clients can take.</summary>
    public static void Check(ServerOptions options, DateTimeOffset now, List<string> faults)
    {
        TlsOptions tls = options.Tls;
        string[] users = [.. FurtherEndpoints(options).Select(static e => e.Name).Where(static name => name != OptionKey.MqttWs.Switch)];
        string? idle = tls.CertificateFile is not null ? OptionKey.TlsCertificate.Switch
            : tls.KeyFile is not null ? OptionKey.TlsKey.Switch
            : tls.ClientCaFile is not null ? OptionKey.TlsClientCa.Switch
            : tls.Client != ClientCertificates.None ? OptionKey.TlsClient.Switch
            : null;
        if (users.Length == 0 && idle is not null)
        {
            // Better than to serve in the clear what was meant to be encrypted.
            faults.Add($"{idle}: no endpoint uses TLS; name {OptionKey.MqttTls.Switch}, {OptionKey.MqttWss.Switch} or "
                + OptionKey.HttpTls.Switch);
        }

        if (users.Length > 0 && tls.CertificateFile is null)
        {
            faults.Add($"{string.Join(", ", users)}: needs {OptionKey.TlsCertificate.Switch}");
        }

        if (tls.Client != ClientCertificates.None && tls.ClientCaFile is null)
        {
            faults.Add($"{OptionKey.TlsClient.Switch}: needs {OptionKey.TlsClientCa.Switch}, to know which certificates are good");
        }

        if (tls.Client == ClientCertificates.None && tls.ClientCaFile is not null)
        {
            faults.Add($"{OptionKey.TlsClientCa.Switch}: no client is asked for a certificate; "
                + $"give {OptionKey.TlsClient.Switch} optional or required");
        }

        if (tls.CertificateFile is not null || tls.ClientCaFile is not null)
        {
            TlsFiles.Read(tls, faults)?.Load(now, faults);
        }
    }

    public static bool IsClient(string text, out ClientCertificates client, out string? fault)
    {
        (client, fault) = text switch
        {
            "none" => (ClientCertificates.None, null),
            "optional" => (ClientCertificates.Optional, null),
            "required" => (ClientCertificates.Required, null),
            _ => (ClientCertificates.None, "must be none, optional or required"),
        };
        return fault is null;
    }
}

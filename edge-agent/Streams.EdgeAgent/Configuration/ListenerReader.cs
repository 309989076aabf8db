using Streams.Gateways;

namespace Streams.EdgeAgent;

/// <summary>Reads a listener.</summary>
internal static class ListenerReader
{
    /// <summary>Reads it; what is wrong is among the faults.</summary>
    public static ListenerOptions Read(ConfigObject listener, string folder)
    {
        listener.Require("name", "\"devices\"");
        listener.Require("address", "\"*:1883\"");
        string name = listener.Text("name") ?? listener.Path;
        ListenerOptions options = new(name, listener.Read<ListenAddress>("address", ListenAddress.TryParse, default))
        {
            IsWebSocket = listener.Word("transport", false, ("tcp", false), ("websocket", true)),
            SignIn = listener.Word("signIn", SignInRule.None,
                ("none", SignInRule.None), ("password", SignInRule.Password), ("certificate", SignInRule.Certificate)),
            Tls = listener.Object("tls") is { } tls ? Tls(tls, folder) : null,
        };
        if (options.SignIn == SignInRule.Certificate && options.Tls?.Client is null or ClientCertificates.None)
        {
            listener.Fault("signIn", "certificates are shown over TLS only: give tls.clientCa");
        }

        listener.End();
        return options;
    }

    private static TlsOptions Tls(ConfigObject tls, string folder)
    {
        tls.Require("certificate", "\"agent.pem\"");
        string? ca = tls.Text("clientCa");
        TlsOptions options = new()
        {
            Names = new TlsNames(tls.At("certificate"), tls.At("key"), tls.At("clientCa")),
            CertificateFile = In(folder, tls.Text("certificate")),
            KeyFile = In(folder, tls.Text("key")),
            ClientCaFile = In(folder, ca),
            Client = tls.Word("client", ca is null ? ClientCertificates.None : ClientCertificates.Required,
                ("none", ClientCertificates.None), ("optional", ClientCertificates.Optional), ("required", ClientCertificates.Required)),
        };
        if (options.Client != ClientCertificates.None && ca is null)
        {
            tls.Fault("client", $"needs {tls.At("clientCa")}, to know which certificates are good");
        }
        else if (options.Client == ClientCertificates.None && ca is not null)
        {
            tls.Fault("clientCa", $"no client is asked for a certificate: {tls.At("client")} is \"none\"");
        }

        tls.End();
        return options;
    }

    private static string? In(string folder, string? file) => file is null ? null : Path.Combine(folder, file);
}

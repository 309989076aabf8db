using System.Collections.Immutable;
using System.Globalization;
using Streams.Cluster;
using Streams.Core;
using Streams.Gateways;

namespace Streams.Server;

/// <summary>Makes <see cref="ServerOptions"/> of the command line, the environment and the file, and reports all faults together.</summary>
public static class OptionReader
{
    /// <summary>The file that is read when it is there, in the directory the server is started in.</summary>
    public const string FileName = "appsettings.json";

    /// <summary>Reads all options. The nearest source wins for each option by itself: command line, environment, file, default. A list
    /// wins whole.</summary>
    /// <param name="arguments">The command line.</param>
    /// <param name="environment">The environment's variables.</param>
    /// <param name="file">The file; it need not exist.</param>
    /// <param name="time">The clock, by which certificates are valid or not.</param>
    /// <exception cref="ConfigurationException">Something is wrong; every fault is a line of the message.</exception>
    public static ServerOptions Read(IReadOnlyList<string> arguments, IEnumerable<KeyValuePair<string, string>> environment, string file,
        TimeProvider time)
    {
        List<string> faults = [];
        List<OptionValue>[] layers =
        [
            CommandLine.Split(arguments, faults),
            ConfigurationLayer.Environment(environment, faults),
            ConfigurationLayer.File(file, faults),
        ];
        ServerOptions options = new();
        foreach (OptionKey key in OptionKey.All)
        {
            OptionValue[] values = layers.Select(layer => layer.Where(v => v.Key == key).ToArray())
                .FirstOrDefault(found => found.Length > 0) ?? [];
            if (values.Length > 0)
            {
                options = key.MayRepeat ? WithLinks(options, values, faults) : With(options, values[0], faults);
            }
        }

        CheckTogether(options, faults);
        TlsCheck.Check(options, time.GetUtcNow(), faults);
        return faults.Count == 0 ? options : throw new ConfigurationException(string.Join('\n', faults));
    }

    private static ServerOptions With(ServerOptions options, OptionValue given, List<string> faults)
    {
        string? fault = null;
        string text = given.Value;
        ServerOptions result = given.Key.Name switch
        {
            nameof(OptionKey.Cluster) => ClusterName.TryParse(text, out ClusterName name, out fault)
                ? options with { Cluster = name } : options,
            nameof(OptionKey.Data) => IsFile(text, out fault) ? options with { DataDirectory = text } : options,
            nameof(OptionKey.Mqtt) => ListenAddress.TryParse(text, out ListenAddress at, out fault) ? options with { Mqtt = at } : options,
            nameof(OptionKey.Http) => ListenAddress.TryParse(text, out ListenAddress at, out fault) ? options with { Http = at } : options,
            nameof(OptionKey.Link) => ListenAddress.TryParse(text, out ListenAddress at, out fault) ? options with { Link = at } : options,
            nameof(OptionKey.Witness) => IsFile(text, out fault) ? options with { WitnessFile = text } : options,
            nameof(OptionKey.Incarnation) => IsPolicy(text, out IncarnationPolicy policy, out fault)
                ? options with { Incarnation = policy } : options,
            nameof(OptionKey.LogLevel) => LogLevels.TryParse(text, out LogLevels levels, out fault)
                ? options with { LogLevels = levels } : options,
            nameof(OptionKey.DevicesElsewhere) => DevicePlaces.TryParse(text, out ImmutableArray<WeightedCluster> places, out fault)
                ? options with { DevicesElsewhere = places } : options,
            nameof(OptionKey.DevicesPerSecond) => DevicePlaces.IsRate(text, 1, out int rate, out fault)
                ? options with { DevicesPerSecond = rate } : options,
            nameof(OptionKey.AcceptRate) => DevicePlaces.IsRate(text, 0, out int rate, out fault)
                ? options with { AcceptRate = rate } : options,
            nameof(OptionKey.MqttPlace) => IsPlaces(text, out PlaceProperties places, out fault)
                ? options with { MqttPlace = places } : options,
            nameof(OptionKey.LinkHoldTime) => IsHoldTime(text, out TimeSpan hold, out fault)
                ? options with { LinkHoldTime = hold } : options,
            nameof(OptionKey.LinkHoldBytes) => IsBytes(text, out long bytes, out fault)
                ? options with { LinkHoldBytes = bytes } : options,
            nameof(OptionKey.DamagePatience) => IsHoldTime(text, out TimeSpan patience, out fault)
                ? options with { DamagePatience = patience } : options,
            nameof(OptionKey.MqttTls) => ListenAddress.TryParse(text, out ListenAddress at, out fault)
                ? options with { MqttTls = at } : options,
            nameof(OptionKey.MqttWs) => ListenAddress.TryParse(text, out ListenAddress at, out fault)
                ? options with { MqttWs = at } : options,
            nameof(OptionKey.MqttWss) => ListenAddress.TryParse(text, out ListenAddress at, out fault)
                ? options with { MqttWss = at } : options,
            nameof(OptionKey.HttpTls) => ListenAddress.TryParse(text, out ListenAddress at, out fault)
                ? options with { HttpTls = at } : options,
            nameof(OptionKey.TlsCertificate) => IsFile(text, out fault)
                ? options with { Tls = options.Tls with { CertificateFile = text } } : options,
            nameof(OptionKey.TlsKey) => IsFile(text, out fault) ? options with { Tls = options.Tls with { KeyFile = text } } : options,
            nameof(OptionKey.TlsClient) => TlsCheck.IsClient(text, out ClientCertificates client, out fault)
                ? options with { Tls = options.Tls with { Client = client } } : options,
            nameof(OptionKey.TlsClientCa) => IsFile(text, out fault)
                ? options with { Tls = options.Tls with { ClientCaFile = text } } : options,
            nameof(OptionKey.Restore) => options with { Restore = true },
            _ => options with { MqttLimits = MqttLimitReader.With(options.MqttLimits, given.Key, text, out fault) },
        };
        if (fault is not null)
        {
            faults.Add($"{given.Place} '{text}': {fault}");
        }

        return result;
    }

    private static ServerOptions WithLinks(ServerOptions options, OptionValue[] values, List<string> faults)
    {
        ImmutableArray<LinkPeer>.Builder peers = ImmutableArray.CreateBuilder<LinkPeer>(values.Length);
        foreach (OptionValue given in values)
        {
            if (!LinkPeer.TryParse(given.Value, out LinkPeer? peer, out string? fault))
            {
                faults.Add($"{given.Place} '{given.Value}': {fault}");
            }
            else if (peers.Any(p => p.Cluster == peer!.Cluster))
            {
                faults.Add($"{given.Place} '{given.Value}': cluster '{peer!.Cluster}' is linked to twice");
            }
            else
            {
                peers.Add(peer!);
            }
        }

        if (values.Length > ServerOptions.MaxLinks)
        {
            faults.Add($"{OptionKey.LinkTo.Switch}: {values.Length} links, at most {ServerOptions.MaxLinks} are allowed");
        }

        return options with { LinksTo = peers.ToImmutable() };
    }

    private static void CheckTogether(ServerOptions options, List<string> faults)
    {
        if (options.LinksTo.Any(p => p.Cluster == options.Cluster))
        {
            faults.Add($"{OptionKey.LinkTo.Switch}: '{options.Cluster}' is this cluster itself");
        }

        if (options.DevicesElsewhere.Any(p => p.Cluster == options.Cluster))
        {
            faults.Add($"{OptionKey.DevicesElsewhere.Switch}: '{options.Cluster}' is this cluster itself");
        }

        (string Name, ListenAddress At)[] endpoints =
            [("--mqtt", options.Mqtt), ("--http", options.Http), ("--link", options.Link), .. TlsCheck.FurtherEndpoints(options)];
        for (int i = 0; i < endpoints.Length; i++)
        {
            for (int j = i + 1; j < endpoints.Length; j++)
            {
                if (endpoints[i].At.Collides(endpoints[j].At))
                {
                    faults.Add($"{endpoints[i].Name} and {endpoints[j].Name} both want port {endpoints[i].At.Port}");
                }
            }
        }

        if (options.WitnessFile is { } witness)
        {
            string data = Path.GetFullPath(options.DataDirectory) + Path.DirectorySeparatorChar;
            if (Path.GetFullPath(witness).StartsWith(data, StringComparison.Ordinal))
            {
                faults.Add($"--witness '{witness}': must lie outside the data directory, or it is rolled back together with it");
            }
        }
    }

    private static bool IsFile(string text, out string? fault)
    {
        fault = text.Length == 0 ? "empty" : text.Contains('\0', StringComparison.Ordinal) ? "holds a zero byte" : null;
        return fault is null;
    }

    private static bool IsHoldTime(string text, out TimeSpan hold, out string? fault)
    {
        fault = !DurationText.TryParse(text, out hold) ? DurationText.Expected
            : hold < TimeSpan.Zero || hold > TimeSpan.FromDays(366) ? "must be from 0 to a year"
            : null;
        return fault is null;
    }

    private static bool IsBytes(string text, out long bytes, out string? fault)
    {
        bool ok = long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out bytes);
        fault = ok ? null : "must be a number of bytes";
        return ok;
    }

    private static bool IsPlaces(string text, out PlaceProperties places, out string? fault)
    {
        fault = PlaceWords.TryParse(text, out places) ? null : "must be auto, always or never";
        return fault is null;
    }

    private static bool IsPolicy(string text, out IncarnationPolicy policy, out string? fault)
    {
        (policy, fault) = text switch
        {
            "guarded" => (IncarnationPolicy.Guarded, null),
            "always" => (IncarnationPolicy.Always, null),
            _ => (IncarnationPolicy.Guarded, "must be guarded or always"),
        };
        return fault is null;
    }
}

using Microsoft.Extensions.Logging;
using Streams.Cluster;
using Streams.Core;
using Streams.Gateways;
using Streams.Testing;

namespace Streams.Server.Tests;

public sealed class OptionReaderTests : IDisposable
{
    private const string Known = "Cluster, Data, Mqtt, Http, Link, LinkTo, MqttTls, MqttWs, MqttWss, HttpTls, TlsCertificate, TlsKey, "
        + "TlsClient, TlsClientCa, Witness, Incarnation, Restore, "
        + "DevicesElsewhere, DevicesPerSecond, AcceptRate, MqttPlace, MqttMaxConnections, MqttConnectTimeout, MqttMaxPacket, "
        + "MqttReceiveMaximum, MqttMaxInFlight, MqttMaxSubscriptions, MqttMaxTopicBytes, MqttMaxTopicLevels, MqttTopicAliases, "
        + "MqttMaxStreams, MqttRateMessages, MqttRateBytes, MqttRateAction, LinkHoldTime, LinkHoldBytes, DamagePatience, LogLevel";
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void Without_arguments_it_is_a_cluster_of_one_on_loopback()
    {
        ServerOptions options = Read([]);

        Assert.Equal("local", options.Cluster.Value);
        Assert.Equal("./streams-data", options.DataDirectory);
        Assert.Equal("127.0.0.1:1883", options.Mqtt.ToString());
        Assert.Equal("127.0.0.1:8080", options.Http.ToString());
        Assert.Equal("127.0.0.1:7070", options.Link.ToString());
        Assert.Empty(options.LinksTo);
        Assert.Null(options.WitnessFile);
        Assert.Equal(IncarnationPolicy.Guarded, options.Incarnation);
        Assert.False(options.Restore);
        Assert.Empty(options.DevicesElsewhere);
        Assert.Equal((1000, 0), (options.DevicesPerSecond, options.AcceptRate));
        Assert.Equal(PlaceProperties.Auto, options.MqttPlace);
    }

    [Fact]
    public void Every_option_is_read_from_the_command_line()
    {
        ServerOptions options = Read(
        [
            "--cluster", "sj", "--data", "/d", "--mqtt", "*:1", "--http=[::1]:2", "--link", "localhost:0",
            "--link-to", "ny=ny.example.net:7070",
            "--link-to=fra=[::1]:7071", "--witness", "/w", "--incarnation", "always", "--restore",
            "--devices-elsewhere", "ny=3,ldn=1", "--devices-per-second", "6000", "--accept-rate", "2000",
            "--mqtt-place", "never", "--log-level", "warning,Streams.Geo=debug",
        ]);

        Assert.Equal("sj", options.Cluster.Value);
        Assert.Equal("/d", options.DataDirectory);
        Assert.Equal("0.0.0.0:1", options.Mqtt.ToString());
        Assert.Equal("[::1]:2", options.Http.ToString());
        Assert.Equal("127.0.0.1:0", options.Link.ToString());
        Assert.Equal(["ny=ny.example.net:7070", "fra=[::1]:7071"], options.LinksTo.Select(l => l.ToString()));
        Assert.Equal("/w", options.WitnessFile);
        Assert.Equal(IncarnationPolicy.Always, options.Incarnation);
        Assert.True(options.Restore);
        Assert.Equal(["ny=3", "ldn=1"], options.DevicesElsewhere.Select(static p => $"{p.Cluster}={p.Weight}"));
        Assert.Equal((6000, 2000), (options.DevicesPerSecond, options.AcceptRate));
        Assert.Equal(PlaceProperties.Never, options.MqttPlace);
        Assert.Equal(LogLevel.Warning, options.LogLevels.Of("Streams.Storage"));
        Assert.Equal(LogLevel.Debug, options.LogLevels.Of("Streams.Geo.Link"));
    }

    [Fact]
    public void The_command_line_wins_over_the_environment_and_that_over_the_file_for_each_option_by_itself()
    {
        File("""{ "Streams": { "Cluster": "a", "Data": "/a", "Mqtt": "*:1", "LinkTo": ["x=h:1", "y=h:1"] }, "Else": { "Data": "no" } }""");
        Dictionary<string, string> environment = new()
        {
            ["STREAMS__DATA"] = "/b",
            ["streams__Mqtt"] = "*:2",
            ["STREAMS__LINKTO__0"] = "z=h:1",
            ["STREAMS_TESTS_KEEP"] = "1",
        };

        ServerOptions options = Read(["--mqtt", "*:3"], environment);

        Assert.Equal("a", options.Cluster.Value);
        Assert.Equal("/b", options.DataDirectory);
        Assert.Equal(3, options.Mqtt.Port);
        Assert.Equal(["z=h:1"], options.LinksTo.Select(l => l.ToString()));
    }

    [Fact]
    public void An_empty_list_in_the_file_means_no_links()
    {
        File("""{ "Streams": { "LinkTo": [] } }""");

        Assert.Empty(Read([]).LinksTo);
    }

    public static TheoryData<string, string> Faults => new()
    {
        { "--mqtt 1883", "--mqtt '1883': must be HOST:PORT" },
        { "--mqtt host:1883", "--mqtt 'host:1883': 'host' must be an IP address of this machine, 'localhost' or '*'" },
        { "--http 127.0.0.1:65536", "--http '127.0.0.1:65536': port '65536' must be 0 to 65535" },
        { "--http ::1:80", "--http '::1:80': an IPv6 address is written in brackets, as in [::1]:1883" },
        { "--link :80", "--link ':80': must be HOST:PORT" },
        { "--cluster SJ", "--cluster 'SJ': cluster name 'SJ': 'S' at 0 is not allowed; use a-z, 0-9 and, not first, '-'" },
        { "--data=", "--data '': empty" },
        { "--incarnation never", "--incarnation 'never': must be guarded or always" },
        {
            "--log-level loud",
            "--log-level 'loud': must be trace, debug, info, warning, error or none, for categories as in info,Streams.Geo=debug"
        },
        { "--link-to ny", "--link-to 'ny': must be NAME=HOST:PORT" },
        { "--link-to ny=h:0", "--link-to 'ny=h:0': port '0' must be 1 to 65535" },
        { "--link-to ny=a_b!:1", "--link-to 'ny=a_b!:1': 'a_b!' is neither a host name nor an IP address" },
        { "--link-to ny=a:1 --link-to ny=b:1", "--link-to 'ny=b:1': cluster 'ny' is linked to twice" },
        { "--cluster sj --link-to sj=a:1", "--link-to: 'sj' is this cluster itself" },
        { "--mqtt *:80 --http 127.0.0.1:80", "--mqtt and --http both want port 80" },
        { "--data d --witness d/w", "--witness 'd/w': must lie outside the data directory, or it is rolled back together with it" },
        { "--devices-elsewhere ny", "--devices-elsewhere 'ny': must be NAME=WEIGHT, several with commas between, as in ny=3,ldn=1" },
        { "--devices-elsewhere ny=0", "--devices-elsewhere 'ny=0': weight of 'ny' must be a whole number, 1 to 10000" },
        { "--devices-elsewhere ny=1,ny=2", "--devices-elsewhere 'ny=1,ny=2': cluster 'ny' is named twice" },
        { "--cluster sj --devices-elsewhere sj=1", "--devices-elsewhere: 'sj' is this cluster itself" },
        { "--devices-per-second 0", "--devices-per-second '0': must be a whole number, 1 to 1000000" },
        { "--accept-rate many", "--accept-rate 'many': must be a whole number, 0 to 1000000" },
        { "--cluster", "--cluster: its value is missing: --cluster NAME" },
        { "--cluster --restore", "--cluster: its value is missing: --cluster NAME" },
        { "--cluster a --cluster b", "--cluster: given 2 times, it may stand once" },
        { "--restore=yes", "--restore: takes no value, 'yes' was given" },
        { "--dat x", "--dat: unknown option, did you mean --data?" },
        { "--linkto x", "--linkto: unknown option, did you mean --link-to?" },
        { "--wild", "--wild: unknown option, see --help" },
        { "start", "'start': options begin with --, see --help" },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public void Each_fault_names_its_option_and_what_would_be_right(string arguments, string expected)
    {
        ConfigurationException fault = Assert.Throws<ConfigurationException>(() => Read(arguments.Split(' ')));

        Assert.Contains(expected, fault.Message.Split('\n'));
    }

    [Fact]
    public void All_faults_of_all_sources_are_told_at_once()
    {
        File("""{ "Streams": { "Http": "nowhere", "Colour": "red", "Restore": "true", "Cluster": ["a"] } }""");

        ConfigurationException fault = Assert.Throws<ConfigurationException>(() => Read(
            ["--mqtt", "x", "--wild"], new Dictionary<string, string> { ["STREAMS__LINK"] = "y", ["STREAMS__SHAPE"] = "round" }));

        string[] expected =
        [
            "--wild: unknown option, see --help",
            "STREAMS__SHAPE: unknown option, known are " + Known,
            "appsettings.json Streams:Cluster: must be one text",
            "appsettings.json Streams:Colour: unknown option, known are " + Known,
            "appsettings.json Streams:Restore: it is true of one start only, give --restore on the command line",
            "--mqtt 'x': must be HOST:PORT",
            "appsettings.json Streams:Http 'nowhere': must be HOST:PORT",
            "STREAMS__LINK 'y': must be HOST:PORT",
        ];
        Assert.Equal(expected, fault.Message.Split('\n'));
    }

    [Fact]
    public void A_file_that_is_no_json_is_named()
    {
        File("{ \"Streams\": ");

        ConfigurationException fault = Assert.Throws<ConfigurationException>(() => Read([]));

        Assert.StartsWith($"{FilePath} cannot be read: ", fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', fault.Message);
    }

    [Fact]
    public void More_than_64_links_are_refused()
    {
        string[] arguments = [.. Enumerable.Range(0, 65).Select(i => $"--link-to=c{i}=h:1")];

        ConfigurationException fault = Assert.Throws<ConfigurationException>(() => Read(arguments));

        Assert.Equal("--link-to: 65 links, at most 64 are allowed", fault.Message);
        Assert.Equal(64, Read(arguments[..64]).LinksTo.Length);
    }

    private string FilePath => _directory.Combine(OptionReader.FileName);

    private void File(string text) => System.IO.File.WriteAllText(FilePath, text);

    private ServerOptions Read(string[] arguments, Dictionary<string, string>? environment = null) =>
        OptionReader.Read(arguments, environment ?? [], FilePath, TimeProvider.System);
}

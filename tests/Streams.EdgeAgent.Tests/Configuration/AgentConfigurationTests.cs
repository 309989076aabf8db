using System.Text;
using Streams.Client;
using Streams.Core;
using Streams.Gateways;

namespace Streams.EdgeAgent.Tests;

public sealed class AgentConfigurationTests
{
    private const string Least = """{ "name": "plant-7", "data": "d", "listeners": [ { "name": "devices", "address": "*:1883" } ] }""";

    private static readonly string Hash = PasswordHash.Of("right"u8, 1000).ToString();

    [Fact]
    public void Little_has_to_be_said()
    {
        AgentOptions options = Read(Least);

        Assert.Equal("plant-7", options.Name.Value);
        Assert.Equal(Path.Combine("/etc/agent", "d", "agent.db"), options.Store.Path);
        Assert.Equal(AgentOptions.DefaultHttp, options.Http);
        Assert.Equal(("devices", 1883, SignInRule.None),
            (options.Listeners[0].Name, options.Listeners[0].Address.Port, options.Listeners[0].SignIn));
        Assert.Null(options.Access.Rules);
        Assert.Equal(LimitReader.Defaults with { InFlightV311 = 100 }, options.Limits.Validate());
    }

    [Fact]
    public void Everything_that_can_be_said_is_read()
    {
        AgentOptions options = Read($$"""
            {
              // Comments are allowed, and a comma at the end.
              "name": "plant-7", "data": "/var/lib/agent", "http": "off", "log": "debug", "drainLimit": "PT30S",
              "store": { "maxBytes": "256 MiB", "whenFull": "dropOldest" },
              "listeners": [
                { "name": "machines", "address": "127.0.0.1:1883", "signIn": "password" },
                { "name": "cars", "address": "*:8883", "signIn": "certificate", "transport": "websocket",
                  "tls": { "certificate": "agent.pem", "key": "agent.key", "clientCa": "ca.pem" } },
              ],
              "access": {
                "users": [ { "name": "press-1", "password": "{{Hash}}" } ],
                "rules": [
                  { "user": "press-1", "client": "%u", "publish": ["plant/%u/#"], "subscribe": ["plant/%u/cmd/#"] },
                  { "listener": "cars", "certificate": "car-17", "publish": ["fleet/%n/#"] }
                ]
              },
              "limits": { "connections": 50, "bytesPerSecond": "64 KiB", "whenTooFast": "disconnect", "inFlight": 20, "sessionExpiry": 60 },
              "provision": { "command": [ "first-boot", "-v" ], "limit": 30 },
            }
            """);

        Assert.Equal((256L << 20, WhenStoreFull.DropOldest), (options.Store.MaxBytes, options.Store.WhenFull));
        Assert.Null(options.Http);
        Assert.Equal(TimeSpan.FromSeconds(30), options.DrainLimit);
        Assert.Equal((true, SignInRule.Certificate, ClientCertificates.Required, "/etc/agent/ca.pem"), (options.Listeners[1].IsWebSocket,
            options.Listeners[1].SignIn, options.Listeners[1].Tls!.Client, options.Listeners[1].Tls!.ClientCaFile));
        Assert.True(options.Access.Users["press-1"].Fits("right"u8));
        Assert.Equal("plant/%u/cmd/#", options.Access.Rules!.Value[0].Subscribe[0].ToString());
        Assert.Equal((50, 64L << 10, RateAction.Disconnect, 20, TimeSpan.FromMinutes(1)), (options.Limits.MaxConnections,
            options.Limits.MaxBytesPerSecond, options.Limits.RateAction, options.Limits.InFlightV311, options.Limits.MaxSessionExpiry));
        Assert.Equal("/etc/agent/first-boot -v", string.Join(' ', options.Provision!.Command));
    }

    [Fact]
    public void All_faults_are_named_at_once_with_the_path_of_the_value()
    {
        string[] faults = Faults($$"""
            {
              "name": "plant 7", "data": 7, "Http": "off", "log": "loud", "drainLimit": "an hour",
              "store": { "maxBytes": "1 MB", "whenFull": "drop" },
              "listeners": [
                { "name": "a", "address": "1883" },
                { "name": "a", "address": "*:8088", "signin": "password" },
                { "name": "b", "address": "*:9000", "signIn": "certificate", "tls": { "client": "required" } }
              ],
              "access": {
                "users": [ { "name": "anna", "password": "secret" }, { "name": "bert", "password": "{{Hash}}" } ],
                "rules": [ { "user": "carl", "publish": ["plant/#/x"], "subscribe": "plant" }, { "listener": "c" } ]
              },
              "limits": { "connections": "many", "bytesPerSecond": 5 }
            }
            """);

        string all = string.Join('\n', faults);
        foreach (string expected in (string[])
        [
            "name: 'plant 7': ", "data: must be a text", "Http: unknown, did you mean \"http\"?", "log: 'loud': must be trace, debug",
            "drainLimit: must be a number of seconds", "store.maxBytes: must be bytes, from 16 MiB to 16 TiB",
            "store.whenFull: must be \"refuse\" or \"dropOldest\", not \"drop\"", "listeners[0].address: '1883': must be HOST:PORT",
            "listeners[1].name: 'a' is the name of another listener too", "listeners[1].signin: unknown, did you mean \"signIn\"?",
            "http: wants port 8088, as listeners[1].address does", "listeners[2].tls.certificate: is missing",
            "listeners[2].tls.client: needs listeners[2].tls.clientCa", "access.users[0].password: must be a hash",
            "access.rules[0].user: 'carl' is none of access.users", "access.rules[0].publish[0]: 'plant/#/x': ",
            "access.rules[0].subscribe: must be a list", "access.rules[1].listener: 'c' is none of the listeners",
            "limits.connections: must be a whole number, 1 to 100000, not \"many\"", "limits.bytesPerSecond: must be 0",
        ])
        {
            Assert.True(faults.Any(fault => fault.Contains(expected, StringComparison.Ordinal)), $"no fault '{expected}' in\n{all}");
        }

        Assert.DoesNotContain("secret", all, StringComparison.Ordinal);
    }

    [Fact]
    public void Routes_and_what_the_line_may_carry_are_read()
    {
        AgentOptions options = Read(Least[..^1] + """
            , "clusters": { "to": ["sj=h:1"], "compression": "brotli", "sendCap": { "bytesPerSecond": 2000, "timeZone": "UTC", "windows": [
                { "days": ["workdays", "sunday"], "from": "07:00", "to": "09:00", "bytesPerSecond": 0 },
                { "from": "01:00", "to": "05:00", "bytesPerSecond": "unlimited" } ] } },
              "routes": [
                { "filter": "plant/+/alarm", "priority": 0, "stream": "/alarms", "name": "alarms" },
                { "filter": "plant/+/at", "policy": "keepLatest", "timeToLive": "PT1H" },
                { "filter": "plant/+/trace/#", "policy": "dropOldest", "maxBytes": "64 MiB", "sample": { "every": 10 } },
                { "filter": "plant/+/t", "sample": { "interval": 60 } },
                { "filter": "plant/local/#", "up": "never" } ] }
            """);

        ClusterOptionsOfAgent clusters = options.Clusters!;
        Assert.Equal((BatchCompression.Brotli, 2000L, TimeZoneInfo.Utc),
            (clusters.Compression, clusters.SendCap!.BytesPerSecond, clusters.SendCap.TimeZone));
        Assert.Equal([(WeekDays.Workdays | WeekDays.Sunday, new TimeOnly(7, 0), (long?)0), (WeekDays.All, new TimeOnly(1, 0), null)],
            clusters.SendCap.Windows.Select(w => (w.Days, w.From, w.BytesPerSecond)));
        Assert.Equal(["alarms", "plant/+/at", "plant/+/trace/#", "plant/+/t", "plant/local/#"], options.Routes.Select(r => r.Name));
        Assert.Equal((0, "/alarms"), (options.Routes[0].Priority, options.Routes[0].Stream!.Value.Value));
        Assert.Equal((OutboxPolicy.KeepLatestPerKey, TimeSpan.FromHours(1)),
            (options.Routes[1].Policy, options.Routes[1].TimeToLive!.Value));
        Assert.Equal((64L << 20, 10), (options.Routes[2].MaxBytes!.Value, options.Routes[2].Every));
        Assert.Equal((TimeSpan.FromMinutes(1), true), (options.Routes[3].Interval, options.Routes[4].IsLocal));
        Assert.Empty(OptionChanges.NeedingRestart(options, options with { Routes = [] }));
        Assert.Equal(["clusters"], OptionChanges.NeedingRestart(options,
            options with { Clusters = clusters with { SendCap = clusters.SendCap with { Windows = [] } } }));
    }

    [Fact]
    public void All_faults_of_routes_are_named_at_once()
    {
        string[] faults = Faults(Least[..^1] + """
            , "clusters": { "to": ["sj=h:1"], "compression": "zip",
                "sendCap": { "windows": [ { "days": ["someday"], "from": "7", "bytesPerSecond": 5 } ] } },
              "routes": [
                { "filter": "a/#/b", "priority": 10, "timeToLive": 0, "maxBytes": 5, "policy": "drop" },
                { "filter": "x/#", "up": "never", "priority": 3 },
                { "filter": "x/#" },
                { "policy": "reject", "stream": "/$sys", "sample": { "every": 2, "interval": 1 }, "ttl": 3 } ] }
            """);
        string all = string.Join('\n', faults);
        foreach (string expected in (string[])
        [
            "clusters.compression: must be \"none\" or \"deflate\" or \"brotli\"",
            "clusters.sendCap.windows[0].days[0]: 'someday': must be one of",
            "clusters.sendCap.windows[0].from: '7': must be a time of the day", "clusters.sendCap.windows[0].bytesPerSecond: must be 0",
            "routes[0].filter: 'a/#/b'", "routes[0].priority: must be a whole number, 0 to 9", "routes[0].timeToLive: ",
            "routes[0].maxBytes: must be bytes, from 64 KiB", "routes[0].policy: must be \"block\" or \"reject\"",
            "routes[1].priority: means nothing: routes[1].up is \"never\"", "routes[2].filter: 'x/#' is the filter of an earlier route",
            "routes[3].filter: is missing", "routes[3].policy: needs routes[3].maxBytes", "routes[3].stream: '/$sys': it is not a stream",
            "routes[3].sample: give either every", "routes[3].ttl: unknown",
        ])
        {
            Assert.True(faults.Any(fault => fault.Contains(expected, StringComparison.Ordinal)), $"no fault '{expected}' in\n{all}");
        }

        Assert.Contains("routes: say what goes up, but there are no clusters",
            Assert.Single(Faults(Least[..^1] + """, "routes": [ { "filter": "a" } ] }""")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "line 1, column 1: no JSON")]
    [InlineData("{ \"name\": \"x\",\n  oops }", "line 2, column 3: no JSON")]
    [InlineData("[]", "must be an object")]
    [InlineData("{}", "listeners: is missing")]
    [InlineData("""{ "name": "a", "name": "b" }""", "name: stands twice")]
    [InlineData("""{ "name": "a", "data": "d", "listeners": [] }""", "listeners: has no element")]
    public void What_is_no_configuration_is_told(string text, string expected)
        => Assert.Contains(Faults(text), fault => fault.Contains(expected, StringComparison.Ordinal));

    [Fact]
    public void A_listener_that_asks_for_passwords_needs_users()
        => Assert.Contains("listeners[0].signIn: asks for passwords",
            Assert.Single(Faults(Least.Replace("1883\"", "1883\", \"signIn\": \"password\"", StringComparison.Ordinal))),
            StringComparison.Ordinal);

    [Fact]
    public void Files_that_are_named_are_looked_at()
    {
        string text = Least.Replace("1883\"", "1883\", \"tls\": { \"certificate\": \"none.pem\" }", StringComparison.Ordinal);

        ConfigurationException fault = Assert.Throws<ConfigurationException>(
            () => AgentConfiguration.Read(Encoding.UTF8.GetBytes(text), "/etc/agent", DateTimeOffset.UnixEpoch));

        Assert.Equal("listeners[0].tls.certificate '/etc/agent/none.pem': there is no such file", fault.Message);
    }

    [Theory]
    [InlineData("512", 512L)]
    [InlineData("64 KiB", 64L << 10)]
    [InlineData("1GiB", 1L << 30)]
    [InlineData("1 MB", null)]
    [InlineData("-1", null)]
    [InlineData("9223372036854775807 KiB", null)]
    public void Bytes_are_read_in_binary_units(string text, long? expected)
    {
        Assert.Equal(expected is not null, ByteSize.TryParse(text, out long bytes));
        Assert.Equal(expected ?? 0, bytes);
    }

    private static AgentOptions Read(string text) =>
        AgentConfiguration.Read(Encoding.UTF8.GetBytes(text), "/etc/agent", DateTimeOffset.UnixEpoch, checkFiles: false);

    private static string[] Faults(string text) => Assert.Throws<ConfigurationException>(() => Read(text)).Message.Split('\n');
}

using System.Net.Security;
using System.Reflection;
using System.Text;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Streams.Client.Hosting.Tests;

public class SettingsTests
{
    [Fact]
    public async Task Every_setting_reaches_the_clients_options()
    {
        await using HostStory story = new();
        StreamsSettings settings = new();
        SectionReader.Read(story.Section("Streams", ("Clusters", null), ("Clusters:0", "sj=10.0.0.1:1883"),
            ("Clusters:1", "ny=10.1.0.1:1884"), ("OutboxBytes", "5000000000"), ("BatchBytes", "8192"), ("BatchesInFlight", "3"),
            ("Linger", "00:00:01"), ("Patience", "infinite"), ("HoldBackEvents", "11"), ("ReceiveBytes", "70000"),
            ("AnswerTimeout", "00:00:07"), ("FailBackAfter", "1.00:00:00"), ("UseTls", "true"), ("UserName", "car"),
            ("Password", "sésame"), ("KeepAlive", "00:01:00"), ("StoreTraceContext", "false"), ("CloseWithin", "00:00:02"),
            ("Drain", "LiveFirst"), ("FlushWithin", "00:00:05"), ("Compression", "brotli"), ("StableAfter", "00:01:00"),
            ("Order", "nearest"), ("CertificateFiles:Trust", "ca.pem"), ("OutboxRules:0:Filter", "log/#"),
            ("OutboxRules:0:Policy", "DropOldest"), ("OutboxRules:0:TimeToLive", "01:00:00"), ("OutboxRules:0:Durability", "buffered"),
            ("Classes:0:Name", "alarms"), ("Classes:0:Filters:0", "alarm/#"), ("Classes:0:OutboxBytes", "2000000"),
            ("Classes:1:Name", "orders"), ("Classes:1:Filters", "order, bill"), ("Classes:1:Drain", "livefirst"),
            ("SendCap:BytesPerSecond", "2000"), ("SendCap:TimeZone", "UTC"), ("SendCap:Windows:0:Days", "Workdays"),
            ("SendCap:Windows:0:From", "22:00"), ("SendCap:Windows:0:To", "06:30"), ("SendCap:Windows:0:BytesPerSecond", "unlimited"),
            ("Health:DegradedAge", "never"), ("Health:UnhealthyEvents", "100000")), settings);
        Assert.Empty(settings.SectionFaults);
        StreamsClientOptions options = settings.ToOptions([]);
        Assert.Empty(options.FindFaults());
        Assert.Equal([ClusterEndpoint.Parse("sj=10.0.0.1:1883"), ClusterEndpoint.Parse("ny=10.1.0.1:1884")], options.Clusters);
        Assert.Equal("sésame", Encoding.UTF8.GetString(options.Password!));
        Assert.Equal((TimeSpan.FromMilliseconds(10), TimeSpan.FromMilliseconds(50)), options.ConnectBackoff);
        Assert.NotNull(options.Tls);
        Assert.Equal(new OutboxRule("log/#", OutboxPolicy.DropOldest)
        {
            TimeToLive = TimeSpan.FromHours(1),
            Durability = PublishDurability.Buffered,
        }, Assert.Single(options.OutboxRules));
        Assert.Equal([("alarms", 2_000_000, DrainOrder.InOrder, "alarm/#"), ("orders", 16L << 20, DrainOrder.LiveFirst, "order bill")],
            options.Classes.Select(static c => (c.Name, c.OutboxBytes, c.Drain, string.Join(' ', c.Filters))));
        Assert.Equal((2000L, TimeZoneInfo.Utc), (options.SendCap!.BytesPerSecond, options.SendCap.TimeZone));
        Assert.Equal(new SendWindow { Days = WeekDays.Workdays, From = new(22, 0), To = new(6, 30), BytesPerSecond = null },
            Assert.Single(options.SendCap.Windows));
        Assert.Equal("ca.pem", options.CertificateFiles!.Trust);
        Assert.Null(settings.Health.DegradedAge);
        Assert.Equal(100_000, settings.Health.UnhealthyEvents);

        // Every setting that has the name of an option has changed it: one that is forgotten on the way is found here.
        StreamsClientOptions defaults = new() { Name = "", Clusters = [], OutboxPath = "" };
        HashSet<string> named = [.. typeof(StreamsSettings).GetProperties().Select(static p => p.Name)];
        Assert.Empty(typeof(StreamsClientOptions).GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(p => named.Contains(p.Name) && Equals(p.GetValue(defaults), p.GetValue(options))).Select(static p => p.Name));
    }

    [Fact]
    public void What_is_not_said_stays_as_the_client_has_it()
    {
        StreamsClientOptions made = new StreamsSettings { Name = "n", OutboxPath = "o" }.ToOptions([]);
        Assert.Equal(new StreamsClientOptions { Name = "n", Clusters = made.Clusters, OutboxPath = "o" }, made);
    }

    [Fact]
    public async Task All_faults_of_all_clients_are_named_at_the_start()
    {
        await using HostStory story = new();
        story.Builder.Services.AddStreams(story.Section("Streams", ("Clusters", "sj=10.0.0.1, b"), ("Name", null), ("BatchBytes", "many"),
            ("Linger", "5"), ("UseTls", "perhaps"), ("OutboxByte", "1"), ("KeepAlive", "00:00:00"), ("Health:DegradedPercent", "101"),
            ("Health:Colour", "green"), ("Patience:Much", "1")));
        story.Builder.Services.AddStreams("slow", story.Section("Slow", ("OutboxPath", "")));
        using IHost host = story.Builder.Build();
        AggregateException both = await Assert.ThrowsAsync<AggregateException>(() => host.StartAsync());
        string text = string.Join('\n', both.InnerExceptions.Cast<OptionsValidationException>().SelectMany(static e => e.Failures));
        Assert.All((string[])[
            "Streams client: Clusters: cluster 'sj=10.0.0.1': must be NAME=HOST:PORT", "Streams client: Clusters: cluster 'b'",
            "Streams client: Streams:BatchBytes 'many': a whole number", "Streams:Linger '5': a duration as hh:mm:ss",
            "Streams:UseTls 'perhaps': true or false", "Streams:OutboxByte: no such setting; there are Name, Clusters, OutboxPath",
            "Name '': 1 to 128 bytes", "KeepAlive 00:00:00: 1 s to 18 h", "Health:DegradedPercent 101: 1 to 100",
            "Streams:Health:Colour: no such setting", "Streams:Patience: one value is wanted",
            "Streams client 'slow': OutboxPath: names the file"], expected => Assert.Contains(expected, text, StringComparison.Ordinal));
        Assert.Equal(12, text.Split('\n').Length);
    }

    [Fact]
    public async Task Faults_of_lists_are_named_with_their_place()
    {
        await using HostStory story = new();
        StreamsSettings settings = new();
        SectionReader.Read(story.Section("Streams", ("OutboxRules", "log/#"), ("Classes:0:Name", "a"), ("Classes:0:Topics", "x"),
            ("Drain", "1"), ("SendCap:Windows:0:From", "25:00"), ("SendCap:TimeZone", "Mars/North")), settings);
        Assert.Equal(["Streams:OutboxRules 'log/#': a list of sections is wanted",
            "Streams:Classes:0:Topics: no such setting; there are Name, Filters, OutboxBytes, Drain",
            "Streams:Drain '1': InOrder, LiveFirst",
            "Streams:SendCap:Windows:0:From '25:00': a time of the day as hh:mm",
            "Streams:SendCap:Windows:0:BytesPerSecond: is missing; 'unlimited' is no limit",
            "Streams:SendCap:TimeZone 'Mars/North': a time zone that this machine knows, such as Europe/Berlin"], settings.SectionFaults);
    }

    [Fact]
    public void Code_has_the_last_word()
    {
        StreamsSettings settings = new() { Name = "n", OutboxPath = "o", UseTls = true, Tls = new SslClientAuthenticationOptions() };
        settings.Adjust = static options => options with { Name = "other" };
        StreamsClientOptions made = settings.ToOptions([]);
        Assert.Equal("other", made.Name);
        Assert.Same(settings.Tls, made.Tls);
    }
}

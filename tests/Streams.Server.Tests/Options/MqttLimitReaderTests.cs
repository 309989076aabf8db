using Streams.Core;
using Streams.Gateways;

namespace Streams.Server.Tests;

/// <summary>The options that limit what MQTT clients may do.</summary>
public sealed class MqttLimitReaderTests
{
    [Fact]
    public void Without_arguments_they_are_the_defaults_of_the_gateway() => Assert.Equal(new MqttGatewayOptions(), Read().MqttLimits);

    [Fact]
    public void Each_is_read()
    {
        MqttGatewayOptions limits = Read("--mqtt-max-connections 1 --mqtt-connect-timeout PT2S --mqtt-max-packet 4096 "
            + "--mqtt-receive-maximum 3 --mqtt-max-in-flight 4 --mqtt-max-subscriptions 5 --mqtt-max-topic-bytes 16 "
            + "--mqtt-max-topic-levels 7 --mqtt-topic-aliases 8 --mqtt-max-streams 9 --mqtt-rate-messages 10 "
            + "--mqtt-rate-bytes 1024 --mqtt-rate-action disconnect").MqttLimits;
        MqttGatewayOptions expected = new()
        {
            MaxConnections = 1,
            ConnectTimeout = TimeSpan.FromSeconds(2),
            MaxPacketBytes = 4096,
            ReceiveMaximum = 3,
            MaxInFlight = 4,
            InFlightV311 = 4,
            MaxSubscriptions = 5,
            MaxTopicBytes = 16,
            MaxTopicLevels = 7,
            AliasesToClient = 8,
            MaxTopicStreams = 9,
            MaxMessagesPerSecond = 10,
            MaxBytesPerSecond = 1024,
            RateAction = RateAction.Disconnect,
        };
        Assert.Equal(expected, limits);
    }

    // What is taken here the gateway takes too, at both ends of the range, and nothing beyond them is.
    [Theory]
    [InlineData("--mqtt-max-connections", 1, 10_000_000)]
    [InlineData("--mqtt-connect-timeout", 1, 600)]
    [InlineData("--mqtt-max-packet", 4096, 268_435_460)]
    [InlineData("--mqtt-receive-maximum", 1, 65535)]
    [InlineData("--mqtt-max-in-flight", 1, 65535)]
    [InlineData("--mqtt-max-subscriptions", 1, 100_000)]
    [InlineData("--mqtt-max-topic-bytes", 16, 4352)]
    [InlineData("--mqtt-max-topic-levels", 1, 256)]
    [InlineData("--mqtt-topic-aliases", 0, 256)]
    [InlineData("--mqtt-max-streams", 0, 10_000_000)]
    [InlineData("--mqtt-rate-messages", 0, 1_000_000)]
    [InlineData("--mqtt-rate-bytes", 1024, 1 << 30)]
    public void The_ends_of_each_range_are_taken_and_nothing_beyond(string option, long least, long most)
    {
        foreach (long value in new[] { least, most })
        {
            Read($"{option} {value}").MqttLimits.Validate();
        }

        foreach (long value in new[] { least - 1, most + 1 })
        {
            ConfigurationException fault = Assert.Throws<ConfigurationException>(() => Read($"{option} {value}"));
            Assert.StartsWith($"{option} '{value}': must be ", fault.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("--mqtt-rate-action cut", "--mqtt-rate-action 'cut': must be throttle or disconnect")]
    [InlineData("--mqtt-max-streams many", "--mqtt-max-streams 'many': must be a whole number, 0 to 10000000")]
    public void Other_words_are_refused(string arguments, string expected) =>
        Assert.Equal(expected, Assert.Throws<ConfigurationException>(() => Read(arguments)).Message);

    private static ServerOptions Read(string arguments = "") => OptionReader.Read(
        arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries), [], "/there/is/no/file.json", TimeProvider.System);
}

using System.Globalization;
using Streams.Gateways;
using Streams.Mqtt;

namespace Streams.Server;

/// <summary>Reads the options that limit what MQTT clients may do.</summary>
internal static class MqttLimitReader
{
    /// <summary>The limits with one more of them read; <paramref name="fault"/> says what the text must be.</summary>
    public static MqttGatewayOptions With(MqttGatewayOptions limits, OptionKey key, string text, out string? fault) => key.Name switch
    {
        nameof(OptionKey.MqttMaxConnections) => IsNumber(text, 1, 10_000_000, out int number, out fault)
            ? limits with { MaxConnections = number } : limits,
        nameof(OptionKey.MqttConnectTimeout) => IsTimeout(text, out TimeSpan timeout, out fault)
            ? limits with { ConnectTimeout = timeout } : limits,
        nameof(OptionKey.MqttMaxPacket) => IsNumber(text, 4 << 10, MqttDecodeOptions.LargestPacket, out int number, out fault)
            ? limits with { MaxPacketBytes = number } : limits,
        nameof(OptionKey.MqttReceiveMaximum) => IsNumber(text, 1, ushort.MaxValue, out int number, out fault)
            ? limits with { ReceiveMaximum = number } : limits,
        nameof(OptionKey.MqttMaxInFlight) => IsNumber(text, 1, ushort.MaxValue, out int number, out fault)
            ? limits with { MaxInFlight = number, InFlightV311 = Math.Min(number, limits.InFlightV311) } : limits,
        nameof(OptionKey.MqttMaxSubscriptions) => IsNumber(text, 1, 100_000, out int number, out fault)
            ? limits with { MaxSubscriptions = number } : limits,
        nameof(OptionKey.MqttMaxTopicBytes) => IsNumber(text, 16, 4352, out int number, out fault)
            ? limits with { MaxTopicBytes = number } : limits,
        nameof(OptionKey.MqttMaxTopicLevels) => IsNumber(text, 1, 256, out int number, out fault)
            ? limits with { MaxTopicLevels = number } : limits,
        nameof(OptionKey.MqttTopicAliases) => IsNumber(text, 0, 256, out int number, out fault)
            ? limits with { AliasesToClient = number } : limits,
        nameof(OptionKey.MqttMaxStreams) => IsNumber(text, 0, 10_000_000, out int number, out fault)
            ? limits with { MaxTopicStreams = number } : limits,
        nameof(OptionKey.MqttRateMessages) => IsNumber(text, 0, 1_000_000, out int number, out fault)
            ? limits with { MaxMessagesPerSecond = number } : limits,
        nameof(OptionKey.MqttRateBytes) => IsRateBytes(text, out int number, out fault)
            ? limits with { MaxBytesPerSecond = number } : limits,
        nameof(OptionKey.MqttRateAction) => IsAction(text, out RateAction action, out fault)
            ? limits with { RateAction = action } : limits,
        _ => throw new InvalidOperationException($"option {key.Name} is listed but not read"),
    };

    private static bool IsNumber(string text, int least, int most, out int number, out string? fault)
    {
        bool isNumber = int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number)
            && number >= least && number <= most;
        fault = isNumber ? null : $"must be a whole number, {least} to {most}";
        return isNumber;
    }

    private static bool IsRateBytes(string text, out int number, out string? fault)
    {
        bool isNumber = IsNumber(text, 0, 1 << 30, out number, out _) && number is 0 or >= 1024;
        fault = isNumber ? null : $"must be 0 or a whole number, 1024 to {1 << 30}";
        return isNumber;
    }

    private static bool IsTimeout(string text, out TimeSpan timeout, out string? fault)
    {
        fault = !DurationText.TryParse(text, out timeout) ? DurationText.Expected
            : timeout < TimeSpan.FromSeconds(1) || timeout > TimeSpan.FromMinutes(10) ? "must be from 1 second to 10 minutes"
            : null;
        return fault is null;
    }

    private static bool IsAction(string text, out RateAction action, out string? fault)
    {
        (action, fault) = text switch
        {
            "throttle" => (RateAction.Throttle, null),
            "disconnect" => (RateAction.Disconnect, null),
            _ => (RateAction.Throttle, "must be throttle or disconnect"),
        };
        return fault is null;
    }
}

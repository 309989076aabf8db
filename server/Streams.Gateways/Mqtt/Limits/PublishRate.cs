namespace Streams.Gateways;

/// <summary>How fast one client publishes: two token buckets, for messages and for bytes, each of one second. A message passes when there
/// is anything left for bytes and a whole token for messages; so one message may go over, and what follows waits for it.</summary>
/// <remarks>Pure but for the clock. Not safe for several threads: belongs to the read loop of the connection.</remarks>
internal sealed class PublishRate(int messagesPerSecond, long bytesPerSecond, TimeProvider time)
{
    private static readonly long s_second = TimeSpan.TicksPerSecond;

    private readonly long _started = time.GetTimestamp();
    private long _messagesFull;
    private long _bytesFull;

    /// <summary>The rate of a client; <see langword="null"/> where there is no limit.</summary>
    public static PublishRate? Of(MqttGatewayOptions options, TimeProvider time) =>
        options.MaxMessagesPerSecond == 0 && options.MaxBytesPerSecond == 0 ? null
            : new PublishRate(options.MaxMessagesPerSecond, options.MaxBytesPerSecond, time);

    /// <summary>Counts a message and tells how long it has to wait; zero when it keeps the rate.</summary>
    /// <param name="bytes">Its payload.</param>
    public TimeSpan Take(long bytes)
    {
        long now = time.GetElapsedTime(_started).Ticks;
        long wait = 0;
        if (messagesPerSecond > 0)
        {
            long each = s_second / messagesPerSecond;
            long full = Math.Max(_messagesFull, now);
            wait = full - now - (s_second - each);
            _messagesFull = full + each;
        }

        if (bytesPerSecond > 0)
        {
            long full = Math.Max(_bytesFull, now);
            wait = Math.Max(wait, full - now - s_second + 1);
            _bytesFull = full + (bytes * s_second / bytesPerSecond);
        }

        return TimeSpan.FromTicks(Math.Max(0, wait));
    }
}

namespace Streams.Client;

/// <summary>How a program without an outbox sends its events. Validated when the producer opens: all faults are reported
/// together.</summary>
public sealed record StreamsProducerOptions : ClusterOptions
{
    /// <summary>Most bytes of events that no cluster has confirmed yet (topic, key, headers, payload and 64 bytes each); beyond them
    /// <see cref="StreamsProducer.PublishAsync"/> and <see cref="StreamsProducer.EnqueueAsync"/> wait. Default 64 MiB; at least
    /// 1 MiB.</summary>
    public long MemoryBytes { get; init; } = 64L << 20;

    /// <summary>All that is wrong with these options, one text each; empty when nothing is.</summary>
    public IReadOnlyList<string> FindFaults() => OptionsCheck.Faults(this);
}

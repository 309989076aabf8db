namespace Streams.Client;

/// <summary>In which order events go that waited while no cluster was there.</summary>
public enum DrainOrder
{
    /// <summary>In the order they were published. The default.</summary>
    InOrder,

    /// <summary>What is published while a backlog is sent goes beside it and does not wait for it. Order holds within the backlog and
    /// within what passes it: they come from two producers, by which a reader tells them apart (<see cref="ReceivedEvent.Identity"/>), and
    /// the events of the backlog are those with the earlier timestamps.</summary>
    LiveFirst,
}

/// <summary>Events that go before others: alarms before telemetry. Each class has an outbox of its own, a file beside
/// <see cref="StreamsClientOptions.OutboxPath"/> with room of its own, and is a producer of its own: order holds within a class, and a
/// class that is full holds no other up. No class starves: one that has to wait gets an eighth of what
/// goes before it, and at least a batch a second.</summary>
/// <param name="Name">Its name: 1 to 32 of <c>a</c> to <c>z</c>, <c>0</c> to <c>9</c> and <c>-</c>, a letter first. It names the file: with
/// another name it is another class, and what waits in the old file is sent behind all others.</param>
/// <param name="Filters">Which topics: 1 to 64 MQTT filters on the topic within its stream. The first class that matches
/// counts.</param>
public sealed record PriorityClass(string Name, IReadOnlyList<string> Filters)
{
    /// <summary>Most bytes that the outbox's files of this class may take, beside <see cref="StreamsClientOptions.OutboxBytes"/>. Default
    /// 16 MiB; at least 1 MiB.</summary>
    public long OutboxBytes { get; init; } = 16L << 20;

    /// <summary>In which order a backlog of this class goes.</summary>
    public DrainOrder Drain { get; init; }
}

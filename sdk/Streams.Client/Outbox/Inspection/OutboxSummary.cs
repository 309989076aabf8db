using Streams.Core;

namespace Streams.Client;

/// <summary>What an outbox's file holds, counted.</summary>
/// <param name="Path">The file.</param>
/// <param name="Format">Its format.</param>
/// <param name="Producer">The producer's id, or <see langword="null"/> when the file has none.</param>
/// <param name="IsInUse">Whether a client has it open.</param>
/// <param name="WasClosedCleanly">Whether the last client closed it.</param>
/// <param name="Bytes">Bytes of database, journal and the journal's index on disk.</param>
/// <param name="Events">Events that wait.</param>
/// <param name="CountedBytes">What they count against the cap.</param>
/// <param name="Oldest">When the oldest of them happened.</param>
/// <param name="Openings">The openings kept, the latest first.</param>
/// <param name="Partitions">The partitions.</param>
/// <param name="Topics">The topics with the most events.</param>
/// <param name="TopicCount">How many topics have events; those beyond 100,000 are not told apart.</param>
/// <param name="Refused">What was refused, by reason.</param>
/// <param name="Consumers">The consumers.</param>
/// <param name="Sealed">Events that wait encrypted, by key.</param>
internal sealed record OutboxSummary(string Path, long Format, ProducerId? Producer, bool IsInUse, bool WasClosedCleanly,
    (long Database, long Journal, long Index) Bytes, long Events, long CountedBytes, DateTimeOffset? Oldest,
    IReadOnlyList<KeptOpening> Openings, IReadOnlyList<KeptPartitionCount> Partitions, IReadOnlyList<KeptTopicCount> Topics, int TopicCount,
    IReadOnlyList<KeptRefusal> Refused, IReadOnlyList<KeptConsumer> Consumers,
    IReadOnlyList<KeptSealed> Sealed);

/// <summary>Events that wait encrypted under a key.</summary>
internal sealed record KeptSealed(string Key, long Events);

/// <summary>One opening of the file.</summary>
/// <param name="Epoch">Its random epoch (rule R7).</param>
/// <param name="At">When.</param>
/// <param name="Events">Events waiting that got their sequence under it.</param>
internal sealed record KeptOpening(ulong Epoch, DateTimeOffset At, long Events);

/// <summary>One partition.</summary>
/// <param name="Row">Its number in the file.</param>
/// <param name="Name">The partition, <c>/fleet#3</c>.</param>
/// <param name="Next">The next sequence.</param>
/// <param name="Events">Events that wait.</param>
/// <param name="CountedBytes">What they count.</param>
/// <param name="First">Sequence of the first that waits, or 0.</param>
/// <param name="Last">Sequence of the last that waits, or 0.</param>
/// <param name="Oldest">When the oldest that waits happened.</param>
/// <param name="Refused">Events of it that were refused.</param>
/// <param name="Stand">Where earlier events stand (rule R5).</param>
internal sealed record KeptPartitionCount(long Row, string Name, long Next, long Events, long CountedBytes, long First, long Last,
    DateTimeOffset? Oldest, long Refused, IReadOnlyList<string> Stand);

/// <summary>One topic.</summary>
internal sealed record KeptTopicCount(string Stream, string Topic, long Events, long CountedBytes, DateTimeOffset Oldest);

/// <summary>Events refused for one reason.</summary>
internal sealed record KeptRefusal(string Reason, long Events, long CountedBytes);

/// <summary>A consumer whose cursor is kept.</summary>
internal sealed record KeptConsumer(string Name, string Stream, int Partitions);

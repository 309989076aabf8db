using System.Text.Json;

namespace Streams.Server;

/// <summary>Answer of <c>GET /health</c>.</summary>
internal sealed record HealthAnswer(string Status, string? Reason);

/// <summary>An error, as RFC 9457 has it.</summary>
internal sealed record ProblemAnswer(string Title, int Status, string Detail);

/// <summary>One stream.</summary>
internal sealed record StreamAnswer(string Stream, int Partitions);

/// <summary>Answer of <c>GET /api/v1/streams</c>.</summary>
internal sealed record StreamsAnswer(IReadOnlyList<StreamAnswer> Streams);

/// <summary>Answer of <c>GET</c> and <c>PUT /api/v1/streams/…/settings</c>. Retention bytes are a number or <c>"forever"</c>.</summary>
internal sealed record SettingsAnswer(string Stream, int Partitions, string RetentionAge, JsonElement RetentionBytes, string Durability);

/// <summary>What is here of one lane: events from first to before next, entries likewise. Damage only where there is some.</summary>
internal sealed record LaneAnswer(
    int Partition, string Origin, long FirstOffset, long NextOffset, long FirstEntry, long NextEntry, long Bytes,
    IReadOnlyList<DamageAnswer>? Damage);

/// <summary>Entries from first to before next that a lane has, and that are damaged or missing here. <c>lost</c>: readers and links go on
/// without them.</summary>
internal sealed record DamageAnswer(long FirstEntry, long NextEntry, bool Lost);

/// <summary>Answer of <c>GET</c> and <c>POST /api/v1/lanes/damage</c>.</summary>
internal sealed record LaneDamageAnswer(string Stream, int Partition, string Origin, IReadOnlyList<DamageAnswer> Damage);

/// <summary>Answer of <c>GET /api/v1/lanes</c>.</summary>
internal sealed record LanesAnswer(string Stream, int Partitions, IReadOnlyList<LaneAnswer> Lanes);

/// <summary>Answer of <c>GET /api/v1/lanes/digest</c>: over <c>count</c> events from offset <c>from</c> to before <c>to</c>.</summary>
internal sealed record DigestAnswer(string Stream, int Partition, string Origin, long From, long To, long Count, string Sha256);

/// <summary>Where a consumer is in one lane.</summary>
internal sealed record PositionAnswer(string Origin, long Offset);

/// <summary>Offsets that a consumer stepped over because they are no longer kept.</summary>
internal sealed record JumpAnswer(string Origin, long From, long To);

/// <summary>Where a consumer is in one partition.</summary>
internal sealed record CursorAnswer(
    int Partition, long Generation, string? RewoundAt, IReadOnlyList<PositionAnswer> Positions, IReadOnlyList<JumpAnswer> Jumps);

/// <summary>Answer of <c>GET /api/v1/cursors</c>.</summary>
internal sealed record CursorsAnswer(string Consumer, string Stream, IReadOnlyList<CursorAnswer> Cursors);

/// <summary>Answer of <c>GET /api/v1/topics</c>.</summary>
internal sealed record TopicsAnswer(string Stream, int Count, bool More, IReadOnlyList<string> Topics);

using Streams.Core;

namespace Streams.Client;

/// <summary>What a consumer reads, and under which name its cursor is kept.</summary>
public sealed record ConsumerOptions
{
    /// <summary>The cursor's name, the same at every cluster. Required.</summary>
    public required ConsumerName Name { get; init; }

    /// <summary>The stream. Required.</summary>
    public required StreamPath Stream { get; init; }

    /// <summary>MQTT topic filters on the topics within the stream (<c>+</c>, <c>#</c>). None (the default) means all; at most
    /// 256.</summary>
    public IReadOnlyList<string> Filters { get; init; } = [];

    /// <summary>Where to begin when the consumer has no cursor yet. Default: the first event kept.</summary>
    public StartPosition Start { get; init; } = StartPosition.Earliest;
}

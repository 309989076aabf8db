using Streams.Core;

namespace Streams.Gateways;

/// <summary>For whom partitions are read and cursors committed: a client, or a shared subscription.</summary>
internal interface IConsumer
{
    /// <summary>For people.</summary>
    string ClientId { get; }

    /// <summary>Who is asked about with each event; <see langword="null"/> when that is decided later.</summary>
    AccessSubject? Subject { get; }

    /// <summary>Whether it has cursors in the log.</summary>
    bool UsesLog { get; }

    /// <summary>The name of its cursors.</summary>
    ConsumerName CursorName { get; }
}

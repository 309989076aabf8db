namespace Streams.Core;

/// <summary>What one event and one batch may hold at most.</summary>
public static class EventLimits
{
    /// <summary>Largest batch in bytes: it must fit whole in the memory of a small device, in a link's frame and in one disk
    /// write.</summary>
    public const int MaxBatchBytes = 4 << 20;

    /// <summary>Largest payload of an event in bytes; more belongs in a file that events point at.</summary>
    public const int MaxPayloadBytes = 1 << 20;

    /// <summary>Longest key in bytes: it is hashed for every event and indexed.</summary>
    public const int MaxKeyBytes = 4096;

    /// <summary>Most headers of an event.</summary>
    public const int MaxHeaders = 64;

    /// <summary>All headers of an event together, in bytes.</summary>
    public const int MaxHeaderBytes = 64 << 10;

    /// <summary>A compressed body may unpack to at most so many times its packed bytes, unless it is no longer than
    /// <see cref="FreeExpansionBytes"/>: few bytes must not cost a receiver much memory.</summary>
    public const int MaxExpansion = 256;

    /// <summary>A body of up to so many bytes may be packed as tightly as it goes.</summary>
    public const int FreeExpansionBytes = 256 << 10;

    /// <summary>Most events in a batch: bounds what one acknowledgement stands for.</summary>
    public const int MaxEvents = 65_535;
}

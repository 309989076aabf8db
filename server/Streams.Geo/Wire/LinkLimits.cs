using Streams.Core;

namespace Streams.Geo;

/// <summary>The limits of the link protocol; docs/link-protocol.md gives them to others.</summary>
internal static class LinkLimits
{
    /// <summary>The version spoken. Another one is refused in words rather than misread.</summary>
    public const int ProtocolVersion = 5;

    /// <summary>Length, checksum and type before every body.</summary>
    public const int HeaderBytes = 9;

    /// <summary>Largest body: an entry, or one piece of state, with the few bytes before it.</summary>
    public const int MaxBodyBytes = EntryCodec.MaxBytes + 1024;

    /// <summary>Largest body before the two have named themselves: strangers get no memory.</summary>
    public const int MaxGreetingBytes = 4096;

    /// <summary>Most lanes in one frame: at about 350 bytes each, well under the largest body.</summary>
    public const int LanesPerFrame = 1024;

    /// <summary>Most lanes of a session: at about 120 bytes each, half a gigabyte; a cluster with more wants a second link.</summary>
    public const int MaxLanes = 1 << 22;

    /// <summary>Most cluster names in one frame.</summary>
    public const int NamesPerFrame = 1024;

    /// <summary>Most clusters that a cluster keeps as reaching it.</summary>
    public const int MaxReach = 1 << 16;

    /// <summary>Longest text in a frame, in bytes.</summary>
    public const int MaxReasonBytes = 512;

    /// <summary>Most state items in one frame.</summary>
    public const int ItemsPerFrame = 4096;

    /// <summary>Credit that a frame costs which says that entries are lost.</summary>
    public const int CostOfLost = 128;

    /// <summary>Most entries sent and not acknowledged: bounds what the sender remembers of them where entries are small.</summary>
    public const int MaxInFlight = 16_384;

    /// <summary>Most entries given to the store at once.</summary>
    public const int EntriesPerIngest = 256;

    /// <summary>Bytes after which a group is given to the store without the next entry.</summary>
    public const int BytesPerIngest = 1 << 20;

    /// <summary>Most operations of the store under way for one link.</summary>
    public const int MaxOperations = 64;

    /// <summary>Most pieces of state waiting to be passed on over a link; beyond it the whole state is sent instead.</summary>
    public const int MaxPassOn = 64;

    /// <summary>By how much one frame may go over the credit: the largest body, and what its parts are counted for.</summary>
    public const int MaxOverdraft = MaxBodyBytes + (ItemsPerFrame * 96) + (1 << 10);

    /// <summary>Most answers waiting to be sent to a side that does not read them.</summary>
    public const int MaxWaiting = 65_536;

    /// <summary>What an entry takes of the credit: the memory it stands for at the receiver. Both sides compute it alike.</summary>
    public static int CostOf(LaneEntry entry) => entry.Body.Length + 128 + (40 * entry.Path.Hops.Length) + (48 * entry.After.Count);

    /// <summary>What pieces of state take of the credit.</summary>
    public static int CostOf(IReadOnlyList<StateItem> items)
    {
        int cost = 64;
        for (int i = 0; i < items.Count; i++)
        {
            cost += CostOf(items[i]);
        }

        return cost;
    }

    /// <summary>What a piece of state takes of the credit.</summary>
    public static int CostOf(StateItem item) => item.Body.Length + 96;
}

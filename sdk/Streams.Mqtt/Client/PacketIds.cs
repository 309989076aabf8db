using System.Numerics;

namespace Streams.Mqtt;

/// <summary>The packet identifiers of one side, 1 to 65,535: gives out free ones, round and round. Not thread-safe.</summary>
internal sealed class PacketIds
{
    private readonly ulong[] _used = new ulong[1024];
    private int _last;

    public PacketIds()
    {
        _used[0] = 1;
    }

    public int InUse { get; private set; }

    /// <summary>A free identifier; 0 when all are in use.</summary>
    public ushort Take()
    {
        if (InUse == ushort.MaxValue)
        {
            return 0;
        }

        int id = (_last + 1) & 0xFFFF;
        while (true)
        {
            ulong free = ~_used[id >> 6] >> (id & 63);
            if (free != 0)
            {
                id += BitOperations.TrailingZeroCount(free);
                break;
            }

            id = ((id | 63) + 1) & 0xFFFF;
        }

        _used[id >> 6] |= 1ul << (id & 63);
        _last = id;
        InUse++;
        return (ushort)id;
    }

    public void Release(ushort id)
    {
        ulong bit = 1ul << (id & 63);
        if (id != 0 && (_used[id >> 6] & bit) != 0)
        {
            _used[id >> 6] &= ~bit;
            InUse--;
        }
    }
}

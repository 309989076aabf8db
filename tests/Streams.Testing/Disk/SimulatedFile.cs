namespace Streams.Testing;

/// <summary>A file in two versions: what is on the platter, and what the system's cache shows.</summary>
internal sealed class SimulatedFile
{
    private readonly SortedSet<long> _dirty = [];
    private byte[] _cache = [];
    private byte[] _durable = [];
    private int _length;
    private int _durableLength;

    public long Length => _length;

    /// <summary>Bytes within the length that take no room.</summary>
    public long Punched { get; set; }

    public byte[] Contents() => _cache[.._length];

    public void SetLength(long length)
    {
        Reserve((int)length);
        if (length < _length)
        {
            _cache.AsSpan((int)length, _length - (int)length).Clear();
            Dirty(length, _length - length);
        }

        _length = (int)length;
    }

    public void Write(long position, byte[] bytes)
    {
        Reserve((int)position + bytes.Length);
        bytes.CopyTo(_cache, (int)position);
        _length = Math.Max(_length, (int)position + bytes.Length);
        Dirty(position, bytes.Length);
    }

    public int Read(long position, byte[] bytes)
    {
        int count = Math.Max(0, Math.Min(bytes.Length, _length - (int)position));
        if (count > 0)
        {
            _cache.AsSpan((int)position, count).CopyTo(bytes);
        }

        return count;
    }

    public void Flush()
    {
        foreach (long sector in _dirty)
        {
            Copy(_cache, _durable, sector);
        }

        _dirty.Clear();
        _durableLength = _length;
    }

    /// <summary>A refused flush: the system takes the pages for clean, though they never reached the platter.</summary>
    public void ForgetUnflushed()
    {
        foreach (long sector in _dirty)
        {
            Copy(_durable, _cache, sector);
        }

        _dirty.Clear();
    }

    /// <summary>A refused flush, of which nobody is told how it ended.</summary>
    public void FailFlush(int variant)
    {
        switch (variant)
        {
            case 0:
                ForgetUnflushed();
                break;
            case 1:
                Flush();
                break;
            case 3:
                foreach (long sector in _dirty.Where((_, i) => i % 2 == 1))
                {
                    Copy(_cache, _durable, sector);
                }

                _dirty.Clear();
                _durableLength = _length;
                break;
            default:
                _dirty.Clear();                       // the cache shows what the platter never gets
                break;
        }
    }

    /// <summary>A refused write, of which nobody is told how far it came.</summary>
    public void FailWrite(long position, byte[] bytes, int variant)
    {
        if (variant < 3)
        {
            Write(position, bytes[..(bytes.Length * variant / 2)]);
            return;
        }

        long sector = SimulatedDisk.SectorBytes;
        for (long at = (position / sector * sector) + sector; at < position + bytes.Length; at += 2 * sector)
        {
            int from = (int)(at - position);
            Write(at, bytes[from..(int)Math.Min(bytes.Length, from + sector)]);
        }
    }

    public SimulatedFile CopyOfDurable()
    {
        SimulatedFile copy = new() { _length = _durableLength, _durableLength = _durableLength };
        copy._durable = (byte[])_durable.Clone();
        copy._cache = (byte[])_durable.Clone();
        return copy;
    }

    public void Crash(Random chance)
    {
        int kept = chance.Next(4);                    // all, none, or each sector by chance
        if (kept is 0 || (kept > 1 && chance.Next(2) == 0))
        {
            _durableLength = _length;
        }

        foreach (long sector in _dirty)
        {
            if (kept == 0 || (kept > 1 && chance.Next(2) == 0))
            {
                Copy(_cache, _durable, sector);
            }
        }

        _dirty.Clear();
        _cache = (byte[])_durable.Clone();
        _length = _durableLength;
        _cache.AsSpan(_length).Clear();
        _durable.AsSpan(_length).Clear();
    }

    public void Flip(long position, int bit)
    {
        _cache[position] ^= (byte)(1 << bit);
        _durable[position] ^= (byte)(1 << bit);
    }

    private void Dirty(long position, long count)
    {
        for (long s = position / SimulatedDisk.SectorBytes; s * SimulatedDisk.SectorBytes < position + count; s++)
        {
            _dirty.Add(s);
        }
    }

    private void Reserve(int length)
    {
        if (_cache.Length < length)
        {
            int size = Math.Max(4096, (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)length));
            Array.Resize(ref _cache, size);
            Array.Resize(ref _durable, size);
        }
    }

    private static void Copy(byte[] from, byte[] to, long sector)
    {
        int start = (int)sector * SimulatedDisk.SectorBytes;
        int count = Math.Min(SimulatedDisk.SectorBytes, from.Length - start);
        from.AsSpan(start, count).CopyTo(to.AsSpan(start));
    }
}

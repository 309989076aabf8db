namespace Streams.Storage;

/// <summary>Where a name stands among the <see cref="NamePieces"/>.</summary>
internal readonly record struct NamePlace(int Piece, ushort Start, ushort Length);

/// <summary>Very many short texts, as UTF-8 in large pieces instead of as objects.</summary>
internal sealed class NamePieces
{
    private const int PieceBytes = 64 << 10;          // a place in one fits two bytes
    private const int FirstPieceBytes = 32;

    private readonly List<byte[]> _pieces = [];
    private int _used;                                // of the last piece

    public ReadOnlySpan<byte> this[NamePlace place] => _pieces[place.Piece].AsSpan(place.Start, place.Length);

    /// <summary>A name as memory that does not change.</summary>
    public ReadOnlyMemory<byte> Memory(NamePlace place) => _pieces[place.Piece].AsMemory(place.Start, place.Length);

    public NamePlace Add(ReadOnlySpan<byte> name)
    {
        if (_pieces.Count == 0 || _used + name.Length > _pieces[^1].Length)
        {
            int size = _pieces.Count == 0 ? FirstPieceBytes : Math.Min(_pieces[^1].Length * 4, PieceBytes);
            _pieces.Add(new byte[Math.Max(size, name.Length)]);
            _used = 0;
        }

        name.CopyTo(_pieces[^1].AsSpan(_used));
        NamePlace place = new(_pieces.Count - 1, (ushort)_used, (ushort)name.Length);
        _used += name.Length;
        return place;
    }
}

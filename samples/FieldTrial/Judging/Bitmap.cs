using System.Numerics;

namespace FieldTrial;

/// <summary>A growing set of small numbers: one bit each.</summary>
internal sealed class Bitmap
{
    private ulong[] _words = [];

    public int Count { get; private set; }

    public bool this[int number] => number >> 6 < _words.Length && (_words[number >> 6] & (1UL << number)) != 0;

    /// <summary>Adds a number; false when it was there already.</summary>
    public bool Add(int number)
    {
        int word = number >> 6;
        if (word >= _words.Length)
        {
            Array.Resize(ref _words, Math.Max(word + 1, _words.Length * 2));
        }

        if (this[number])
        {
            return false;
        }

        _words[word] |= 1UL << number;
        Count++;
        return true;
    }

    /// <summary>The numbers of this set that are missing from <paramref name="other"/>, rising.</summary>
    public IEnumerable<int> Except(Bitmap other)
    {
        for (int word = 0; word < _words.Length; word++)
        {
            ulong left = _words[word] & ~(word < other._words.Length ? other._words[word] : 0);
            for (; left != 0; left &= left - 1)
            {
                yield return (word << 6) + BitOperations.TrailingZeroCount(left);
            }
        }
    }
}

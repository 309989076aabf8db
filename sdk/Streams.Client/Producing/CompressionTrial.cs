namespace Streams.Client;

/// <summary>Decides for one stream whether its batches are compressed: by trying, and by what it gained.</summary>
/// <remarks>Pure; not safe for several threads. Three tries in a row that gain less than a tenth are followed by a rest of 64 batches,
/// then one try decides anew; each rest in a row is twice as long, up to 4096 batches. Small bodies are sent as they are and say
/// nothing of the stream.</remarks>
internal sealed class CompressionTrial
{
    /// <summary>A smaller body is not worth the trouble.</summary>
    public const int SmallestBody = 256;

    /// <summary>Of the body's bytes, what must be saved.</summary>
    public const double LeastGain = 0.1;

    /// <summary>Tries in vain before a rest.</summary>
    public const int TriesInVain = 3;

    /// <summary>Batches of the first rest.</summary>
    public const int FirstRest = 64;

    /// <summary>Batches of the longest rest.</summary>
    public const int LongestRest = 4096;

    private int _vain;
    private int _rest;
    private int _nextRest = FirstRest;

    /// <summary>Whether to compress the next batch.</summary>
    public bool ShouldTry(int bodyBytes)
    {
        if (bodyBytes < SmallestBody)
        {
            return false;
        }

        if (_rest > 0)
        {
            _rest--;
            return false;
        }

        return true;
    }

    /// <summary>A try took a body from so many bytes to so many; the same when it was sent as it was.</summary>
    public void Tried(int before, int after)
    {
        if (before - after >= before * LeastGain)
        {
            _vain = 0;
            _nextRest = FirstRest;
        }
        else if (++_vain >= TriesInVain)
        {
            _vain = TriesInVain - 1;                     // behind the rest one try decides
            _rest = _nextRest;
            _nextRest = Math.Min(_nextRest * 2, LongestRest);
        }
    }
}

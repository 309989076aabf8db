namespace Streams.Client;

/// <summary>How many bytes a sender may have under way on a line that others have before it: so many that the line is busy and that what
/// goes before waits about <see cref="TargetSeconds"/> behind it, whatever the line's speed and length.</summary>
/// <remarks>Pure, not safe for several threads. The delay that it makes is what an answer takes beyond the soonest one; the window follows
/// it as in RFC 6817 (LEDBAT). Now and then it is nearly closed for a moment, to measure the soonest answer anew: a line may have become
/// longer.</remarks>
internal sealed class YieldingWindow(int smallest, int most)
{
    /// <summary>The delay that it makes at most, in the mean.</summary>
    public const double TargetSeconds = 0.1;

    private const int FirstBytes = 32 << 10;
    private const int AnswersBetweenLooks = 256;

    private double _bytes = FirstBytes;
    private double _soonest = double.MaxValue;
    private bool _doubles = true;
    private int _answers;
    private int _looks;

    /// <summary>Bytes that may be under way.</summary>
    public int Bytes => _looks > 0 ? smallest : (int)_bytes;

    /// <summary>A session begins: the line may be another.</summary>
    public void Begin()
    {
        _bytes = Math.Min(_bytes, FirstBytes);
        _soonest = double.MaxValue;
        _doubles = true;
        _answers = 0;
        _looks = 0;
    }

    /// <summary>So many bytes were answered after so many seconds.</summary>
    public void Answered(int bytes, double seconds)
    {
        if (_looks > 0)
        {
            if (bytes <= smallest && --_looks == 0)      // the second: the first may have waited behind a great one
            {
                _soonest = seconds;
            }

            return;
        }

        _soonest = Math.Min(_soonest, seconds);
        double delay = seconds - _soonest;
        if (_doubles && delay > TargetSeconds / 2)
        {
            _doubles = false;
            _bytes /= 2;
        }

        double gain = _doubles ? 1 : Math.Min(1, TargetSeconds / (2 * seconds));
        _bytes = Math.Clamp(_bytes + (gain * bytes * Math.Clamp(1 - (delay / TargetSeconds), -1, 1)), smallest, most);
        if (++_answers >= AnswersBetweenLooks && bytes > smallest)
        {
            _answers = 0;
            _looks = 2;
        }
    }
}

using Streams.Core;

namespace Streams.Client;

/// <summary>Consecutive sequences that the application is done with, and where they were given (rules R17, R11).</summary>
/// <param name="First">First sequence.</param>
/// <param name="Last">Last sequence.</param>
/// <param name="Origin">The lane that they were given from.</param>
/// <param name="FirstOffset">Offset of the first of them, or where the stretch begins that they were in.</param>
/// <param name="LastOffset">Offset of the last of them, or where the stretch ends.</param>
internal readonly record struct GivenRun(long First, long Last, Origin Origin, long FirstOffset, long LastOffset)
{
    /// <summary>Whether each sequence stands exactly one offset behind the one before.</summary>
    public bool IsDense => LastOffset - FirstOffset == Last - First;

    /// <summary>The part from <paramref name="first"/> to <paramref name="last"/>.</summary>
    public GivenRun Part(long first, long last) => IsDense
        ? new GivenRun(first, last, Origin, FirstOffset + (first - First), FirstOffset + (last - First))
        : new GivenRun(first, last, Origin, FirstOffset, LastOffset);

    /// <summary>What is left when everything at or behind offset <paramref name="position"/> is forgotten; false when nothing is. A run
    /// whose
    /// inner offsets are not known is forgotten whole: better once more than never.</summary>
    public bool TryForget(long position, out GivenRun rest)
    {
        rest = this;
        if (LastOffset < position)
        {
            return true;
        }

        if (FirstOffset >= position || !IsDense)
        {
            return false;
        }

        rest = Part(First, First + (position - FirstOffset) - 1);
        return true;
    }
}

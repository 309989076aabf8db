using Streams.Core;

namespace Streams.Storage;

/// <summary>Something wrong in a file.</summary>
/// <param name="Offset">Where in the file, in bytes; -1 when it is about all of it.</param>
/// <param name="What">What is wrong.</param>
public readonly record struct FileFault(long Offset, string What);

/// <summary>What checking one file of a container found.</summary>
public sealed class FileCheck
{
    /// <summary>Faults kept of one file; more are counted. A disk that went bad has millions.</summary>
    public const int MaxFaults = 1000;

    private readonly List<FileFault> _faults = [];
    private readonly List<string> _notes = [];

    /// <summary>Nothing found yet.</summary>
    public FileCheck(string name, long bytes) => (Name, Bytes) = (name, bytes);

    /// <summary>The file's name in its folder.</summary>
    public string Name { get; }

    /// <summary>Its length when it was looked at.</summary>
    public long Bytes { get; internal set; }

    /// <summary>Good records of a segment, or rows of an index or of the state file.</summary>
    public long Records { get; internal set; }

    /// <summary>Lane entries among them.</summary>
    public long Entries { get; internal set; }

    /// <summary>Events in these.</summary>
    public long Events { get; internal set; }

    /// <summary>Lanes that have something in the file.</summary>
    public int Lanes { get; internal set; }

    /// <summary>How many faults were found.</summary>
    public long FaultCount { get; private set; }

    /// <summary>The faults, by their places; no more than <see cref="MaxFaults"/>.</summary>
    public IReadOnlyList<FileFault> Faults => _faults;

    /// <summary>What is worth telling and is no damage: a torn tail, an index that is not there.</summary>
    public IReadOnlyList<string> Notes => _notes;

    /// <summary>Adds a fault.</summary>
    public void Fault(long offset, string what)
    {
        FaultCount++;
        if (_faults.Count < MaxFaults)
        {
            _faults.Add(new FileFault(offset, what));
        }
    }

    internal void Note(string what) => _notes.Add(what);

    internal void Sort() => _faults.Sort(static (a, b) => a.Offset.CompareTo(b.Offset));
}

/// <summary>What checking a container found.</summary>
/// <param name="Files">Each file, in the order of the log; the state file last.</param>
/// <param name="Lanes">The lanes as the log has them.</param>
public sealed record StoreReport(IReadOnlyList<FileCheck> Files, IReadOnlyList<LaneStatus> Lanes)
{
    /// <summary>Whether nothing is damaged.</summary>
    public bool IsGood => Files.All(static f => f.FaultCount == 0);
}

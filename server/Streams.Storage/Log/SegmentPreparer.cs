using Streams.Core;

namespace Streams.Storage;

/// <summary>Prepares files ahead of the writer, so that it seldom waits for the file system: the next piece of the segment, a spare file
/// for the segment after it, and the end of the one before cut off.</summary>
/// <remarks>One job at a time, on another thread; on a disk that was given there are no other threads. Failure: a job that is refused
/// leaves nothing that counts, and the writer does the work itself, where a refusal is met in order. No job flushes a segment: the
/// system tells an error of a flush once, and it must be told to the writer.</remarks>
internal sealed class SegmentPreparer(ILogDisk disk, ContainerOptions options) : IDisposable
{
    private const string SpareName = "spare.new";

    // What the writer allocates itself: as little as lets it go on until the rest is prepared.
    private const long OwnStepBytes = 1 << 20;

    // What is set aside behind the end for those who give space back: they write a few facts of each segment that goes. It bounds how
    // long retention goes on while the disk is full, and each piece of facts is at most as large.
    private const long MostReserveBytes = 512 << 10;

    // Groups below this are flushed much sooner into space that was written before; larger ones not soon enough to pay for
    // writing everything twice (docs/decisions/0025-how-the-log-is-appended-to.md).
    private const int SmallGroupBytes = 96 << 10;

    private readonly bool _hasThreads = options.Disk is null;
    private readonly long _reserveBytes = Math.Min(MostReserveBytes, options.SegmentBytes / 8);
    private Task _job = Task.CompletedTask;
    private ILogFile? _spare;
    private double _meanGroup = SmallGroupBytes / 4.0;

    private bool Writes => _meanGroup < SmallGroupBytes;

    /// <summary>Removes a spare file that an earlier run left. It may be half made.</summary>
    public void RemoveSpare()
    {
        if (disk.List().Contains(SpareName))
        {
            disk.Delete(SpareName);
        }
    }

    /// <summary>Makes sure that the segment is allocated up to <paramref name="end"/>, and so much further as is kept in reserve.</summary>
    public void Reach(Segment segment, long end, bool mayUseReserve)
    {
        end += mayUseReserve ? 0 : _reserveBytes;
        if (end > segment.Allocated)
        {
            _job.Wait();
        }

        if (end > segment.Allocated)
        {
            long step = _hasThreads ? Math.Min(OwnStepBytes, options.AllocationBytes) : options.AllocationBytes;
            Allocate(segment, SegmentLog.RoundUp(end, mayUseReserve ? LinuxFile.BlockBytes : step));
        }
    }

    /// <summary>Sets aside again what was just cut off, as far as nobody else has taken it.</summary>
    public void TryKeep(Segment segment, long allocated)
    {
        if (allocated > segment.Allocated)
        {
            Try(() => Allocate(segment, allocated));
        }
    }

    private static void Allocate(Segment segment, long to)
    {
        segment.File.Allocate(segment.Allocated, to, written: false);
        segment.Allocated = to;
    }

    /// <summary>Begins to prepare what will be needed soon. A group of so many bytes was just appended.</summary>
    public void LookAhead(Segment segment, int groupBytes)
    {
        _meanGroup += (groupBytes - _meanGroup) / 16;
        if (!_job.IsCompleted)
        {
            return;
        }

        long from = segment.Allocated;
        long step = Math.Min(options.AllocationBytes, Math.Max(OwnStepBytes, from));     // a small log takes little space
        long end = SegmentLog.RoundUp(options.SegmentBytes + _reserveBytes, LinuxFile.BlockBytes);
        if (_hasThreads && from - segment.Used < step / 2 && from < end)
        {
            long to = Math.Min(from + step, end);
            Do(() => Lengthen(segment, from, to, Writes));
        }
        else if (_spare is null && segment.Used > options.SegmentBytes / 2 && options.RunsAhead)
        {
            Do(MakeSpare);
        }
    }

    /// <summary>The spare file, if one is ready, and the name that it must be given another for.</summary>
    public ILogFile? Take(out string? name)
    {
        if (!_job.IsCompleted)
        {
            _job.Wait();
        }

        ILogFile? spare = Interlocked.Exchange(ref _spare, null);
        name = spare is null ? null : SpareName;
        return spare;
    }

    /// <summary>Returns when nothing is being prepared.</summary>
    public void Settle() => _job.Wait();

    /// <summary>Cuts a segment that ended, some time.</summary>
    public void End(Segment ended) => Do(() => Cut(ended));

    /// <summary>Cuts a segment that ended to what is used.</summary>
    public static void Cut(Segment ended)
    {
        if (ended.Allocated > ended.Used)
        {
            ended.File.SetLength(ended.Used);
            ended.Allocated = ended.Used;
        }
    }

    public void Dispose()
    {
        _job.Wait();
        if (Interlocked.Exchange(ref _spare, null) is { } spare)
        {
            spare.Dispose();
            Try(() => disk.Delete(SpareName));
        }
    }

    private void Do(Action job)
    {
        if (_hasThreads)
        {
            Task before = _job;
            _job = before.IsCompleted ? Task.Run(() => Try(job)) : before.ContinueWith(_ => Try(job), TaskScheduler.Default);
        }
        else
        {
            Try(job);                                     // the group that it comes after is written: nothing is wrong with that
        }
    }

    private static void Lengthen(Segment segment, long from, long to, bool written)
    {
        // The writer stays before `from` until this is done, as it looks at Allocated.
        segment.File.Allocate(from, to, written);
        segment.Allocated = to;
    }

    private void MakeSpare()
    {
        ILogFile file = disk.Create(SpareName);
        try
        {
            file.Allocate(0, Math.Min(options.AllocationBytes, SegmentLog.RoundUp(options.SegmentBytes, LinuxFile.BlockBytes)), Writes);
            file.Flush();
            Volatile.Write(ref _spare, file);
        }
        catch
        {
            file.Dispose();
            Try(() => disk.Delete(SpareName));            // on a full disk it would hold what little there is
            throw;
        }
    }

    private static void Try(Action job)
    {
        try
        {
            job();
        }
        catch (StorageFailedException)
        {
        }
    }
}

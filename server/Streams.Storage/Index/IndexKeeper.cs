using Microsoft.Extensions.Logging;
using Streams.Core;

namespace Streams.Storage;

/// <summary>Makes the index files of segments that end, beside the writer: until one is made, what it will say stays in memory.</summary>
/// <remarks>One at a time, in order: a writer that is faster than that waits at the second roll, so memory stays bounded. Failure: what the
/// disk refused stays in memory and is tried again at the next roll.</remarks>
internal sealed class IndexKeeper(ILogDisk disk, ContainerState state, Lock gate, bool inBackground, ILogger logger)
{
    private readonly Queue<(SegmentContents Contents, Segment Segment, long End, uint LastGroup)> _waiting = [];
    private Task _making = Task.CompletedTask;

    /// <summary>A segment has ended and the next has begun; by the writer.</summary>
    public void Ended(Segment segment, long end, uint lastGroup)
    {
        if (!state.Contents.KeepsItems)
        {
            return;
        }

        _making.Wait();
        SegmentContents contents = state.Contents;
        lock (gate)
        {
            End(state);
        }

        _waiting.Enqueue((contents, segment, end, lastGroup));
        if (inBackground)
        {
            _making = Task.Run(MakeWaiting);
        }
        else
        {
            MakeWaiting();
        }
    }

    /// <summary>Completes when no index is being made.</summary>
    public Task FinishAsync() => _making;

    /// <summary>What comes next stands in another segment.</summary>
    public static void End(ContainerState state)
    {
        foreach (SegmentContents.Item item in state.Contents.Items)
        {
            item.Lane?.EndPart();
        }

        state.Contents.Mentions.Close();
        state.Ended.Add(state.Contents);
        state.Contents = new SegmentContents(keepsItems: true);
    }

    /// <summary>Writes the index of a segment, opens it, and gives back the parts of lanes that are in it now.</summary>
    public static List<(LaneState Lane, MemoryPart Part, FilePart File)> Write(ILogDisk disk, SegmentContents contents, Segment segment,
        long end, uint lastGroup, ILogger logger)
    {
        contents.Mentions.Sort();
        new IndexWriter(contents, segment, end, lastGroup).Save(disk, SegmentIndex.NameFor(segment));
        if (SegmentIndex.TryOpen(disk, segment, end, logger, out SegmentIndex? index, out byte[] directory) is { } fault)
        {
            throw new InvalidFormatException(fault);
        }

        segment.Index = index;
        List<FilePartShape> shapes = [];
        _ = IndexDirectory.Walk(directory, (_, shape) =>
            {
                shapes.Add(shape);
                return null;
            }, static (_, _) => null);
        List<(LaneState Lane, MemoryPart Part, FilePart File)> parts = [];
        foreach (SegmentContents.Item item in contents.Items)
        {
            if (item.Part is { } part)
            {
                parts.Add((item.Lane!, part, new FilePart(index!, shapes[parts.Count], part.StartBytes)));
            }
        }

        return parts;
    }

    private void MakeWaiting()
    {
        while (_waiting.TryPeek(out (SegmentContents Contents, Segment Segment, long End, uint LastGroup) next)
            && TryMake(next.Contents, next.Segment, next.End, next.LastGroup))
        {
            _waiting.Dequeue();
        }
    }

    private bool TryMake(SegmentContents contents, Segment segment, long end, uint lastGroup)
    {
        try
        {
            List<(LaneState Lane, MemoryPart Part, FilePart File)> parts = Write(disk, contents, segment, end, lastGroup, logger);
            lock (gate)
            {
                foreach ((LaneState lane, MemoryPart part, FilePart file) in parts)
                {
                    lane.Replace(part, file);
                }

                state.Ended.Remove(contents);
            }

            return true;
        }
        catch (Exception cause)
        {
            logger.IndexNotWritten(cause, segment.Name);
            return false;
        }
    }
}

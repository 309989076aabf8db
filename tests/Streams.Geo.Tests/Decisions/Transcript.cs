using Streams.Core;

namespace Streams.Geo.Tests;

/// <summary>Plays one machine against a store and writes down what it wants, one short line an action.</summary>
internal sealed class Transcript(ILinkMachine machine, MemoryLaneStore store)
{
    public static ClusterName B => ClusterName.Parse("b");

    public static Origin Receiver => new(B, new Incarnation(77));

    /// <summary>Gives a frame in, and tells what comes out until nothing is left to do.</summary>
    public string Give(params LinkFrame[] frames)
    {
        foreach (var frame in frames)
        {
            machine.Receive(frame);
        }

        return Drain();
    }

    public string Drain()
    {
        List<string> lines = [];
        while (machine.TryNext(out var action))
        {
            if (action is ReadLane read)
            {
                List<LinkFrame> sent = [];
                machine.OnRead(read, store.ReadAsync(read.Lane, read.From, read.MaxBytes, default).Result.Entries, sent);
                lines.AddRange(sent.Select(Text));
            }
            else if (Perform(action!) is { } line)
            {
                lines.Add(line);
            }
        }

        return string.Join(", ", lines);
    }

    private string? Perform(LinkAction action)
    {
        switch (action)
        {
            case SendFrame send:
                return Text(send.Frame);
            case ReadState state:
                machine.OnState(state, [.. store.State(state.Since, out var revision)], true, revision);
                return null;
            case IngestEntries ingest:
                var result = store.IngestAsync(ingest.Lane, ingest.Entries, default).Result;
                machine.OnIngested(ingest, result);
                return $"ingest {ingest.Entries[0].Number}-{ingest.Entries[^1].Number}: {result.Outcome}";
            case SkipLane skip:
                store.SkipToAsync(skip.Lane, skip.First, skip.FirstOffset, default).AsTask().Wait();
                machine.OnSkipped(skip);
                return $"skip to {skip.First}";
            case JoinState join:
                store.JoinAsync(join.Items, default).AsTask().Wait();
                machine.OnJoined(join);
                return $"join {join.Items.Count}";
            case OpenIncarnation:
                store.OpenIncarnationAsync("", default).AsTask().Wait();
                return "open";
            case HangUp hangUp:
                return (hangUp.Fault ? "fault: " : "end: ") + hangUp.Reason;
            default:
                return null;
        }
    }

    private static string Text(LinkFrame frame) => frame switch
    {
        EntryFrame f => $"Entry {f.Number}:{f.Entry.Number}",
        SkipFrame f => $"Skip {f.Number}:{f.First}",
        AskFrame f => $"Ask {f.Number}:{f.From}<{f.UpTo}",
        LanesFrame f => $"Lanes [{string.Join(' ', f.Lanes.Select(l => l.Next))}]{(f.Last ? "." : "")}",
        FeedFrame f => $"Feed [{string.Join(' ', f.Lanes.Select(l => l.On ? $"{l.Number}:{l.Next}" : $"{l.Number}:off"))}]",
        HoldsFrame f => $"Holds [{string.Join(' ', f.Lanes.Select(l => l.Next))}]{(f.Last ? "." : "")}",
        HeadsFrame f => $"Heads [{string.Join(' ', f.Marks.Select(m => $"{m.Number}:{m.Next}"))}]",
        AckFrame f => $"Ack [{string.Join(' ', f.Marks.Select(m => $"{m.Number}:{m.Next}"))}]",
        LaneRefusedFrame f => $"LaneRefused {f.Number}",
        FetchFrame f => $"Fetch {f.From}",
        FetchEntryFrame f => $"FetchEntry {f.Entry.Number}",
        _ => frame.Type.ToString(),
    };
}

using Streams.Core;

namespace Streams.Simulation;

/// <summary>Judging a world at rest, as the findings of the model do.</summary>
internal sealed partial class World
{
    private readonly Dictionary<char, Dictionary<int, List<TruePlace>>> _contents = [];

    private void Check()
    {
        Trace?.Add("--- judging");
        foreach (SimDevice device in _devices.Where(static d => d.HasWaiting))
        {
            Truth.Fail(Violation.Waits, $"{device.Name} keeps events in its outbox");
        }

        foreach (SimCluster cluster in _clusters.Values)
        {
            _contents[cluster.Letter] = Contents(cluster.Life!);
        }

        CheckAcknowledged();
        foreach (SimReader reader in _readers)
        {
            CheckReader(reader);
        }

        foreach (SimLink link in _links)
        {
            CheckLink(link);
        }
    }

    // Whatever stands in a cluster names its offset there and everywhere (invariant 2).
    private Dictionary<int, List<TruePlace>> Contents(ClusterLife life)
    {
        Dictionary<int, List<TruePlace>> contents = [];
        foreach (LaneStatus status in life.Container.Lanes().Where(l => l.Lane.Partition.Stream == Stream))
        {
            int partition = status.Lane.Partition.Partition.Value;
            for (EntryNumber at = status.FirstEntry; at < status.NextEntry;)
            {
                using LaneSlice slice = life.Container.ReadAsync(status.Lane, at, 1 << 16, CancellationToken.None).Result;
                if (slice.Entries.Count == 0)
                {
                    Truth.Fail(Violation.LostOrTwice, $"{life.Cluster.Letter} cannot read entry {at} of {Short(status.Lane)}");
                    break;
                }

                foreach (LaneEntry entry in slice.Entries)
                {
                    at = entry.Number + 1;
                    foreach ((long offset, int uid) in entry.Kind == EntryKind.Events ? Truth.EventsOf(entry) : [])
                    {
                        TruePlace place = new(partition, status.Lane.Origin, offset);
                        Truth.Name(place, uid, "stands in " + life.Cluster.Letter);
                        (contents.TryGetValue(uid, out List<TruePlace>? places) ? places : contents[uid] = []).Add(place);
                    }
                }
            }
        }

        return contents;
    }

    private void CheckAcknowledged()
    {
        if (_wipes + _rollBacks > 0)
        {
            return;                                      // what only a wiped cluster held is lost, and nobody can help it
        }

        foreach ((int uid, char cluster) in Truth.LetGo)
        {
            if (!_contents[cluster].ContainsKey(uid) && !Truth.Trimmed.Contains(uid))
            {
                Truth.Fail(Violation.LostOrTwice, $"e{uid} was let go of as held by {cluster}, and is gone from there");
            }
        }
    }

    private void CheckReader(SimReader reader)
    {
        if (reader.At is not { } life)
        {
            Truth.Fail(Violation.Waits, $"{reader.Name} finds no cluster");
            return;
        }

        foreach (LaneStatus status in life.Container.Lanes().Where(l => l.Lane.Partition.Stream == Stream))
        {
            Offset at = reader.Position(status.Lane.Partition.Partition.Value, status.Lane.Origin);
            if (at < status.NextOffset)
            {
                Truth.Fail(Violation.Waits,
                    $"{reader.Name} waits at {life.Cluster.Letter} for ever at {Short(status.Lane.Origin)}@{at} of {status.NextOffset}");
                return;
            }
        }

        Dictionary<int, List<TruePlace>> want = [];
        foreach (char into in Configuration.Into(life.Cluster.Letter))
        {
            foreach ((int uid, List<TruePlace> places) in _contents[into])
            {
                (want.TryGetValue(uid, out List<TruePlace>? all) ? all : want[uid] = []).AddRange(places);
            }
        }

        foreach ((int uid, List<TruePlace> places) in want)
        {
            CheckGiven(reader, life, uid, places);
        }
    }

    private void CheckGiven(SimReader reader, ClusterLife life, int uid, List<TruePlace> places)
    {
        TrueEvent e = Truth[uid];
        if (reader.Filter is { } topic && topic != e.Topic)
        {
            return;
        }

        Generation generation = reader.Generation(e.Partition);
        SimReader[] ofOneName = [.. _readers.Where(r => r.Name == reader.Name)];
        if (ofOneName.Sum(r => r.Record.Times(generation, uid)) > 0 || reader.Record.IsBeforeStart(generation, uid)
            || ofOneName.Any(r => r.Record.IsBeforeStart(generation, uid)))
        {
            return;
        }

        if (places.TrueForAll(p => ofOneName.Any(r => r.Record.Jumped.Contains(p))))
        {
            Tally.Add("events lost to a counted gap");
            return;
        }

        Truth.Fail(Violation.LostOrTwice,
            $"{reader.Name} at {life.Cluster.Letter} never got e{uid} = {NameOf(e.Producer)}:{e.Sequence}/{e.Partition}, which stands at "
            + string.Join(' ', places.Distinct().Select(Short)));
    }

    private void CheckLink(SimLink link)
    {
        Storage.Container from = link.From.Life!.Container;
        Storage.Container to = link.To.Life!.Container;
        foreach (LaneStatus lane in from.Lanes())
        {
            if (to.Lane(lane.Lane) is not { } other || other.NextEntry < lane.NextEntry)
            {
                Truth.Fail(Violation.Waits,
                    $"{link.To.Letter} never gets {Short(lane.Lane)} up to entry {lane.NextEntry} over {link.Name}");
            }
        }

        foreach (SimReader reader in _readers)
        {
            for (int partition = 0; partition < Partitions; partition++)
            {
                Cursor here = from.Cursor(reader.Consumer, Partition(partition));
                Cursor there = to.Cursor(reader.Consumer, Partition(partition));
                if (!ReferenceEquals(Cursor.Join(there, here), there))
                {
                    Truth.Fail(Violation.CursorsDiffer,
                        $"cursor {reader.Name} at {link.To.Letter} {Short(there)} is behind {link.From.Letter} {Short(here)}");
                }
            }
        }

        foreach (RegisterFact fact in from.Registers(Stream, string.Empty))
        {
            if (to.Register(Stream, fact.Key) is not { } other || other.At.CompareTo(fact.At) < 0)
            {
                Truth.Fail(Violation.CursorsDiffer, $"register {fact.Key} at {link.To.Letter} is older than at {link.From.Letter}");
            }
        }
    }
}

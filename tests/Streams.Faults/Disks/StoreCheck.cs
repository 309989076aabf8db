using Streams.Core;
using Streams.Storage;

namespace Streams.Faults;

/// <summary>
/// Opens a container after a fault and compares it with what was acknowledged. Everything that breaks a promise is a finding: an
/// acknowledged event that is not where it was acknowledged, bytes nobody sent, an event twice, offsets with holes, a log taken for
/// damaged, a cursor that went back, a container that does not take the next event.
/// </summary>
internal sealed class StoreCheck
{
    private const int ReadBytes = 1 << 20;

    private readonly Ledger _ledger;
    private readonly List<string> _findings = [];
    private readonly Dictionary<(string Stream, int Partition, long Offset), (long Producer, long Sequence)> _found = [];
    private readonly Dictionary<(string Stream, int Partition), long> _firstOffsets = [];

    private string _lastLost = "";

    private StoreCheck(Ledger ledger) => _ledger = ledger;

    public IReadOnlyList<string> Findings => _findings;

    /// <summary>Acknowledged events that are not where they were acknowledged, by stream.</summary>
    public Dictionary<string, long> Lost { get; } = [];

    /// <summary>Events found.</summary>
    public int Found => _found.Count;

    /// <summary>All of it. Leaves the container closed, with one more event in it.</summary>
    /// <param name="options">How the writer had it open.</param>
    /// <param name="ledger">What was acknowledged.</param>
    /// <param name="nextProducer">A producer that sent nothing yet.</param>
    public static async Task<StoreCheck> RunAsync(ContainerOptions options, Ledger ledger, long nextProducer)
    {
        var check = new StoreCheck(ledger);
        check.Verify(options.Directory!, "as it was found", isAllGood: false);
        await using (var store = await TestStore.OpenAsync(options))
        {
            if (store.Recovery.NeedsNewIncarnation)
            {
                var places = store.Recovery.Unreadable.Select(range => $"{range.Segment} {range.Offset} {range.Bytes} {range.Reason}");
                check.Say($"the log is taken for damaged or rolled back: {string.Join("; ", places)}");
            }

            await check.CompareAsync(store);
            await check.WriteAsync(store, nextProducer);
        }

        check.Verify(options.Directory!, "closed again", isAllGood: true);
        return check;
    }

    public long LostOf(StreamPath stream) => Lost.GetValueOrDefault(stream.ToString());

    private void Say(string finding) => _findings.Add(finding);

    // Index and state files are derived and not flushed: a fault may leave them torn, and opening must have made them anew.
    private void Verify(string directory, string when, bool isAllGood)
    {
        foreach (var file in StoreVerifier.Verify(directory).Files.Where(file => file.FaultCount > 0))
        {
            if (isAllGood || file.Name.EndsWith(".seg", StringComparison.Ordinal))
            {
                Say($"{when}, verify finds {file.FaultCount} faults in {file.Name}: {string.Join("; ", file.Faults.Take(3))}");
            }
        }
    }

    private async Task CompareAsync(Container store)
    {
        foreach (var lane in store.Lanes())
        {
            await ReadLaneAsync(store, lane);
        }

        FindAcknowledged();
        FindInvented();
        foreach (var cursor in _ledger.Cursors.GroupBy(cursor => (cursor.Stream, cursor.Partition, cursor.Consumer)))
        {
            var partition = new StreamPartition(StreamPath.Parse(cursor.Key.Stream), new PartitionId(cursor.Key.Partition));
            var kept = store.Cursor(ConsumerName.Parse(cursor.Key.Consumer), partition)[TestStore.Own].Value;
            var committed = cursor.Max(one => one.Next);
            var end = store.Lane(new LaneId(partition, TestStore.Own))?.NextOffset.Value ?? 0;
            if (kept < committed || kept > end)
            {
                Say($"the cursor {cursor.Key} is at {kept}, {committed} was acknowledged, the lane ends at {end}");
            }
        }
    }

    private async Task ReadLaneAsync(Container store, LaneStatus lane)
    {
        var (stream, partition) = (lane.Lane.Partition.Stream.ToString(), lane.Lane.Partition.Partition.Value);
        if (lane.Lane.Origin != TestStore.Own || (lane.FirstOffset.Value != 0 && lane.Lane.Partition.Stream != TestStore.Brief))
        {
            Say($"{lane} is no lane that anybody made");
        }

        _firstOffsets[(stream, partition)] = lane.FirstOffset.Value;
        var next = lane.FirstOffset.Value;
        for (var entry = lane.FirstEntry; entry < lane.NextEntry;)
        {
            using var slice = await store.ReadAsync(lane.Lane, entry, ReadBytes, default);
            if (slice.Entries.Count == 0)
            {
                Say($"{lane} gives nothing from {entry} on");
                return;
            }

            foreach (var one in slice.Entries)
            {
                if (one.Number != entry || one.BaseOffset.Value != next)
                {
                    Say($"{lane.Lane}: entry {one.Number} at {one.BaseOffset} instead of {entry} at {next}");
                }

                next = one.BaseOffset.Value + (one.Kind == EntryKind.Events ? Read(stream, partition, one) : 0);
                entry = one.Number + 1;
            }
        }

        if (next != lane.NextOffset.Value)
        {
            Say($"{lane} ends at {next}");
        }
    }

    private int Read(string stream, int partition, LaneEntry entry)
    {
        var count = 0;
        foreach (var view in EventBatch.Parse(entry.Body).Events)
        {
            var offset = entry.BaseOffset.Value + count++;
            if (TestPayload.TryRead(view.Payload.Span, out var producer, out var sequence))
            {
                _found[(stream, partition, offset)] = (producer, sequence);
            }
            else
            {
                Say($"{stream}/{partition}:{offset} has bytes that nobody sent");
            }
        }

        return count;
    }

    private void FindAcknowledged()
    {
        for (var number = 0; number < _ledger.Runs.Count; number++)
        {
            var run = _ledger.Runs[number];
            for (var i = 0; i < run.Count; i++)
            {
                var offset = run.Offset + i;
                var isGone = offset < _firstOffsets.GetValueOrDefault((run.Stream, run.Partition));
                if (!isGone && (!_found.TryGetValue((run.Stream, run.Partition, offset), out var found)
                    || found != (run.Producer, run.First + i)))
                {
                    Lost[run.Stream] = Lost.GetValueOrDefault(run.Stream) + 1;
                    _lastLost = $"{run}, acknowledgement {number + 1} of {_ledger.Runs.Count}";
                }
            }
        }

        foreach (var (stream, events) in Lost.Where(lost => lost.Key != TestStore.Quick.ToString()))
        {
            Say($"{events} acknowledged events of {stream} are not where they were acknowledged, the last of all: {_lastLost}");
        }
    }

    // Beyond what was acknowledged there may be the one request that was under way, whole or not at all.
    private void FindInvented()
    {
        var acknowledged = _ledger.Runs.GroupBy(run => run.Producer)
            .ToDictionary(runs => runs.Key, runs => runs.Max(run => run.First + run.Count - 1));
        foreach (var producer in _found.Values.GroupBy(found => found.Producer))
        {
            var sequences = producer.Select(found => found.Sequence).ToArray();
            if (sequences.Distinct().Count() != sequences.Length)
            {
                Say($"events of producer {producer.Key} stand twice");
            }

            var more = sequences.Max() - acknowledged.GetValueOrDefault(producer.Key, -1);
            if (more > Ledger.MostInOneRequest)
            {
                Say($"producer {producer.Key} has {more} events beyond those that were acknowledged");
            }
        }
    }

    private async Task WriteAsync(Container store, long producer)
    {
        try
        {
            await store.StartWritingAsync(TestStore.Own, default);
            var partition = new StreamPartition(TestStore.Keep, default);
            var next = store.Lane(new LaneId(partition, TestStore.Own))?.NextOffset.Value ?? 0;
            var plain = new PlainEvent("t"u8.ToArray(), default, default, TestPayload.Make(producer, 0), 1);
            var place = await store.AppendPlainAsync(partition, plain, default);
            if (place.Offset.Value != next || place.Origin != TestStore.Own)
            {
                Say($"the next event stands at {place} instead of {next}");
            }
        }
        catch (StreamsException cause)
        {
            Say($"the container does not take the next event: {cause.Message}");
        }
    }
}

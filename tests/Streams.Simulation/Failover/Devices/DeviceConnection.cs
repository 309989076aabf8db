using Streams.Core;
using Streams.Gateways;
using Streams.Testing;

namespace Streams.Simulation;

/// <summary>What a device sends over a connection: hello first, then batches.</summary>
internal abstract class DeviceMessage;

internal sealed class HelloMessage(HelloRequest request) : DeviceMessage
{
    public HelloRequest Request => request;
}

internal sealed class BatchMessage(StreamPartition partition, AfterVector after, EventBatch batch) : DeviceMessage
{
    public StreamPartition Partition => partition;

    public AfterVector After => after;

    public EventBatch Batch => batch;
}

/// <summary>What a cluster answers.</summary>
internal abstract class ClusterMessage;

internal sealed class HelloAnswer(HelloReply reply) : ClusterMessage
{
    public HelloReply Reply => reply;
}

internal sealed class BatchAnswer(BatchMessage batch, ProduceResult result) : ClusterMessage
{
    public BatchMessage Batch => batch;

    public ProduceResult Result => result;
}

/// <summary>A device's connection to a cluster, and what the cluster does with what comes over it: the decisions are the
/// product's.</summary>
internal sealed class DeviceConnection(World world, SimDevice device, ClusterLife life)
{
    private const int Room = 6;

    private readonly Dictionary<int, (ulong Epoch, long Sequence)> _taken = [];
    private readonly Dictionary<int, (ulong Epoch, long Sequence)> _passed = [];
    private ProducerSession _session;

    public ClusterLife Life => life;

    /// <summary>To the cluster.</summary>
    public SimulatedWay<DeviceMessage> Up { get; } = new(Room);

    /// <summary>To the device.</summary>
    public SimulatedWay<ClusterMessage> Down { get; } = new(64);

    /// <summary>Whether the device has left: what it had sent may still arrive, what is answered does not.</summary>
    public bool IsLeft { get; set; }

    /// <summary>The cluster takes the next message; false when there is none.</summary>
    public bool Serve(bool faults)
    {
        if (!life.IsUp || !Up.TryArrive(out DeviceMessage message))
        {
            return false;
        }

        switch (message)
        {
            case HelloMessage hello:
                Greet(hello.Request);
                break;
            case BatchMessage batch when faults && world.Chance.Next(33) == 0:
                world.Tally.Add("batches lost inside a cluster");    // as when a primary moves
                world.Trace?.Add($"{life.Cluster.Letter} loses {device.Name} {batch.Batch.Header.FirstSequence}-"
                    + $"{batch.Batch.Header.LastSequence}");
                break;
            case BatchMessage batch:
                Take(batch);
                break;
        }

        return true;
    }

    private void Greet(HelloRequest request)
    {
        _session = life.Store.BeginProducer(request.Producer);
        HelloReply reply = SdkDecisions.Hello(life.Store, request);
        if (!world.Keeps(Rule.DurableHello))
        {
            reply = WithUnflushed(reply);
        }

        if (!world.Keeps(Rule.Ranges))
        {
            reply = reply with { Held = [.. reply.Held.Select(h => (h.Partition, UpToHighest(h.Runs)))] };
        }

        Answer(new HelloAnswer(reply));
    }

    private void Take(BatchMessage message)
    {
        BatchHeader header = message.Batch.Header;
        int partition = message.Partition.Partition.Value;
        EventBatch batch = message.Batch;
        if (!world.Keeps(Rule.OwnMid))
        {
            if (HeldAnywhere(message) is { } held)
            {
                _passed[partition] = (header.Epoch, header.LastSequence);
                Answer(new BatchAnswer(message, ProduceResult.At(held)));
                return;
            }

            if (_passed.Remove(partition, out (ulong Epoch, long Sequence) passed)
                && passed == (header.PredecessorEpoch, header.PredecessorSequence))
            {
                batch = Follows(batch, _taken.GetValueOrDefault(partition));
            }
        }

        batch = world.Keeps(Rule.Pred) ? batch : Follows(batch, _taken.GetValueOrDefault(partition));
        _taken[partition] = (header.Epoch, header.LastSequence);

        life.Cluster.Unflushed.Add((life, message));
        world.Go(async () =>
        {
            ProduceResult result = await life.Store.ProduceAsync(_session, message.Partition, message.After, batch, CancellationToken.None);
            life.Cluster.Unflushed.Remove((life, message));
            if (!life.IsUp)
            {
                return;
            }

            world.Trace?.Add($"{life.Cluster.Letter} {(result.Refusal == ProduceRefusal.None ? "takes" : result.Refusal)} {device.Name} "
                + $"{header.FirstSequence}-{header.LastSequence}/{partition} "
                + $"at {string.Join(' ', result.Placed.Select(p => $"{world.Short(p.Origin)}@{p.FirstOffset}"))} "
                + $"after {world.Short(message.After)}");
            world.Tally.Add("batches answered: " + result.Refusal);
            Answer(new BatchAnswer(message, result));
        });
    }

    private void Answer(ClusterMessage message)
    {
        if (!IsLeft)
        {
            Down.Send(message);
        }
    }

    // Without rule R1: what waits for its flush counts as held, where it will come to stand.
    private HelloReply WithUnflushed(HelloReply reply)
    {
        List<(StreamPartition, IReadOnlyList<HeldRun>)> held = [];
        foreach ((StreamPartition partition, IReadOnlyList<HeldRun> runs) in reply.Held)
        {
            List<HeldRun> all = [.. runs];
            Offset next = life.Container.Lane(new LaneId(partition, life.Origin))?.NextOffset ?? default;
            foreach ((ClusterLife at, BatchMessage waiting) in life.Cluster.Unflushed)
            {
                if (at == life && waiting.Partition == partition)
                {
                    if (waiting.Batch.Header.Producer == device.Id)
                    {
                        all.Add(new HeldRun(waiting.Batch.Header.Run, life.Origin, next));
                    }

                    next += waiting.Batch.Header.Count;
                }
            }

            held.Add((partition, all));
        }

        return reply with { Held = held };
    }

    // Without rule R3: everything up to the highest sequence counts as held.
    private static IReadOnlyList<HeldRun> UpToHighest(IReadOnlyList<HeldRun> runs)
    {
        if (runs.Count == 0)
        {
            return runs;
        }

        HeldRun top = runs.MaxBy(static r => r.Run.Last);
        return [.. runs.Select(r => r.Run.Epoch).Distinct().Select(epoch => new HeldRun(top.Run with { Epoch = epoch, First = 1 },
            top.Origin,
            new Offset(Math.Max(0, top.FirstOffset.Value - (top.Run.First - 1)))))];
    }

    // Without rule R6: a batch is held already when its events stand anywhere.
    private List<PlacedRun>? HeldAnywhere(BatchMessage message)
    {
        BatchHeader header = message.Batch.Header;
        List<PlacedRun> placed = [];
        long next = header.FirstSequence;
        foreach (HeldRun run in life.Store.Held(header.Producer, message.Partition, header.FirstSequence).Where(r =>
            r.Run.Epoch == header.Epoch)
            .OrderBy(static r => r.Run.First))
        {
            if (run.Run.First <= next && run.Run.Last >= next)
            {
                long last = Math.Min(run.Run.Last, header.LastSequence);
                placed.Add(new PlacedRun(next, last, run.Origin, run.FirstOffset + (next - run.Run.First)));
                next = last + 1;
            }
        }

        return next > header.LastSequence ? placed : null;
    }

    // Without rule R2: whatever comes is what was expected.
    private static EventBatch Follows(EventBatch batch, (ulong Epoch, long Sequence) taken)
    {
        byte[] bytes = batch.Bytes.ToArray();
        (batch.Header with { PredecessorEpoch = taken.Epoch, PredecessorSequence = taken.Sequence }).Write(bytes);
        return EventBatch.Parse(bytes);
    }
}

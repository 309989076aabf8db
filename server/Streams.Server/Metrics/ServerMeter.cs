using System.Diagnostics.Metrics;
using Streams.Core;
using Streams.Storage;

namespace Streams.Server;

/// <summary>What the host itself measures: whether it is ready, and what lanes it holds, summed up so that the number of series stays
/// fixed.</summary>
internal sealed class ServerMeter : IDisposable
{
    private readonly ServerState _state;
    private readonly Meter _meter;

    public ServerMeter(ServerState state, TimeProvider time, long startedAt)
    {
        _state = state;
        _meter = new Meter(new MeterOptions("Streams.Server") { Scope = state });
        _meter.CreateObservableGauge("streams.ready", () => state.Phase == ServerPhase.Ready ? 1 : 0, null,
            "1 while the server is ready, else 0.");
        _meter.CreateObservableGauge("streams.writing", () => state.Engine?.Container.Status().Phase == WritePhase.Writing ? 1 : 0, null,
            "1 while the store writes; 0 while the disk is full or refuses, and before it is open.");
        _meter.CreateObservableGauge("streams.uptime", () => time.GetElapsedTime(startedAt).TotalSeconds, "s",
            "Since the process started the server.");
        _meter.CreateObservableGauge("streams.damaged.entries", () => Damaged(isLost: false), "{entry}",
            "Entries that are damaged or missing here, and are asked of the neighbours: who reads them waits.");
        _meter.CreateObservableGauge("streams.lost.entries", () => Damaged(isLost: true), "{entry}",
            "Entries that are lost here: readers and links go on without them. Taken when a neighbour has them.");
        _meter.CreateObservableGauge("streams.lanes", () => Measure(static _ => 1), "{lane}", "Lanes held, written here and elsewhere.");
        _meter.CreateObservableGauge("streams.lane.events", () => Measure(static lane => lane.NextOffset - lane.FirstOffset), "{event}",
            "Events kept in lanes written here and elsewhere.");
        _meter.CreateObservableGauge("streams.lane.bytes", () => Measure(static lane => lane.Bytes), null,
            "Bytes of the entries kept in lanes written here and elsewhere.");
    }

    public void Dispose() => _meter.Dispose();

    private long Damaged(bool isLost)
    {
        long entries = 0;
        foreach (DamagedRange range in _state.Engine?.Lanes.Damaged() ?? [])
        {
            entries += range.IsLost == isLost ? range.Next - range.First : 0;
        }

        return entries;
    }

    private Measurement<long>[] Measure(Func<LaneStatus, long> value)
    {
        if (_state.Engine is not { } engine)
        {
            return [];
        }

        ClusterName own = engine.Lanes.Origin.Cluster;
        long here = 0;
        long elsewhere = 0;
        foreach (LaneStatus lane in engine.Lanes.Lanes())
        {
            if (lane.Lane.Origin.Cluster == own)
            {
                here += value(lane);
            }
            else
            {
                elsewhere += value(lane);
            }
        }

        return
        [
            new(here, new KeyValuePair<string, object?>("lanes", "own")),
            new(elsewhere, new KeyValuePair<string, object?>("lanes", "foreign")),
        ];
    }
}

using Streams.Core;

namespace Streams.Client;

/// <summary>What one answer confirmed, by producer. Used under the sender's lock.</summary>
internal sealed class Confirmations
{
    private readonly Dictionary<ProducerSlot, (List<ConfirmedRun> Runs, HashSet<StreamPartition> Touched)> _producers = [];

    /// <summary>Whose.</summary>
    public IReadOnlyCollection<ProducerSlot> Slots => _producers.Keys;

    /// <summary>How many events.</summary>
    public long Events { get; private set; }

    /// <summary>Adds what was confirmed of one; it is not forgotten before its store has taken it.</summary>
    public void Add(ProducerSlot slot, List<ConfirmedRun> runs, IEnumerable<StreamPartition> touched)
    {
        if (!_producers.TryGetValue(slot, out (List<ConfirmedRun> Runs, HashSet<StreamPartition> Touched) known))
        {
            slot.Confirming++;
            known = ([], []);
            _producers.Add(slot, known);
        }

        known.Runs.AddRange(runs);
        known.Touched.UnionWith(touched);
        foreach (ConfirmedRun run in runs)
        {
            Events += run.Placed.Last - run.Placed.First + 1;
        }
    }

    /// <summary>What the store is to be told, with the places as they are known now.</summary>
    public List<ConfirmedProducer> Tell()
    {
        List<ConfirmedProducer> told = [];
        foreach ((ProducerSlot slot, (List<ConfirmedRun> runs, HashSet<StreamPartition> touched)) in _producers)
        {
            List<(StreamPartition, IReadOnlyList<EventPlace>)> stands = [];
            foreach (StreamPartition partition in touched)
            {
                IReadOnlyList<EventPlace> places = slot.State.Partition(partition).Stand.Places;
                if (places.Count > 0)
                {
                    stands.Add((partition, [.. places]));
                }
            }

            if (runs.Count > 0 || stands.Count > 0)
            {
                told.Add(new ConfirmedProducer(slot.Producer, runs, stands));
            }
        }

        return told;
    }
}

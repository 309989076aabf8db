using Streams.Cluster;
using Streams.Core;
using Streams.Geo;

namespace Streams.Simulation;

/// <summary>How links are made and what a cluster knows through them.</summary>
internal sealed partial class World
{
    /// <summary>What a cluster knows of others when the play begins: its links have been up before.</summary>
    public HorizonMemory KnownBefore(char letter) => new([.. Configuration.Into(letter).Select(NameOf)],
        [.. Configuration.Links.Split(' ').Where(link => link[1] == letter).Select(static link => NameOf(link[0]))]);

    private static ClusterName NameOf(char letter) => ClusterName.Parse(char.ToLowerInvariant(letter).ToString());

    /// <summary>The cluster's horizon is told by its links whether they are level.</summary>
    public void LinksOf(ClusterLife life) => life.Horizon.IsLevelWithout = (sender, lane, here) => _links.Exists(link =>
        link.To == life.Cluster && link.From.Name == sender && link.IsUp && link.Receiver is { IsLevel: true } receiver
        && receiver.Announced(lane) <= here);

    /// <summary>How many partitions a cluster takes the stream to have. Where nobody raises the number it is the world's, which saves the
    /// readers of partitions that stay empty.</summary>
    public int PartitionsAt(ClusterLife life) => Configuration.Has(Faults.MorePartitions)
        ? Gateways.SdkDecisions.Partitions(life.Store, Stream) : Partitions;

    public LinkSender MakeSender(ClusterLife here, SimCluster to)
    {
        if (!here.Outgoing.TryGetValue(to.Name, out SenderMemory? memory))
        {
            here.Outgoing[to.Name] = memory = new SenderMemory((ulong)Chance.NextInt64(1, long.MaxValue));
        }

        return new(new LinkSenderSettings(to.Name, SliceBytes: 700, StateChunkBytes: 300), here.Lanes, here.Horizon.Reach, OfferRule,
            memory);
    }

    public LinkReceiver MakeReceiver(ClusterLife there, SimCluster from)
    {
        LinkReceiver receiver = new(new LinkReceiverSettings(CreditBytes: 4000, SliceBytes: 500), there.Lanes, there.Incoming, hello =>
        {
            there.Horizon.LearnSender(hello.Sender.Cluster);
            return null;
        })
        {
            Reached = names => there.Horizon.Learn(names),
        };
        return receiver;
    }

    /// <summary>What the neighbours tell a cluster that starts (rule R14): those that can be reached.</summary>
    public NeighbourReport? AskNeighbours(ClusterLife life)
    {
        bool answered = false;
        bool ahead = false;
        string who = string.Empty;
        foreach (SimLink link in _links)
        {
            if (link.From != life.Cluster || link.To.Life is not { IsWriting: true } there || Chance.Next(8) == 0)
            {
                continue;
            }

            bool? more = Probe(life, there);
            answered |= more is not null;
            if (more == true)
            {
                ahead = true;
                who = $"{link.To.Name} holds more";
            }
        }

        Tally.Add("neighbours asked", answered ? 1 : 0);
        return answered ? new NeighbourReport(ahead, who, life.Container.LatestIncarnation(life.Cluster.Name) ?? default) : null;
    }

    private static bool? Probe(ClusterLife asking, ClusterLife asked)
    {
        LinkSender sender = new(new LinkSenderSettings(asked.Cluster.Name, Probe: true), asking.Lanes, new ReachSet([asking.Cluster.Name]));
        LinkReceiver receiver = new(new LinkReceiverSettings(), asked.Lanes, new IncomingMemory());
        for (bool moved = true; moved && sender.ProbeAnswer is null;)
        {
            moved = Carry(sender, receiver) | Carry(receiver, sender);
        }

        return sender.ProbeAnswer;
    }

    private static bool Carry(ILinkMachine from, ILinkMachine to)
    {
        bool moved = false;
        while (from.TryNext(out LinkAction? action))
        {
            moved = true;
            if (action is SendFrame send)
            {
                to.Receive(send.Frame);
            }
        }

        return moved;
    }

    // Without rules R12 and R13: the path goes by the names of clusters, and nobody may ask.
    private bool OfferRule(ReplicationPath path, Origin receiver, bool asked)
    {
        if (Keeps(Rule.PathInc))
        {
            return Offering.IsOffered(path, receiver, asked);
        }

        foreach (Origin hop in path.Hops)
        {
            if (hop.Cluster == receiver.Cluster)
            {
                return false;
            }
        }

        return true;
    }
}

using Streams.Core;

namespace Streams.Storage;

/// <summary>Facts that are written once more, as they are now, because the records that told them are about to go (invariant 6). Replaying
/// them where they are known already changes nothing.</summary>
internal sealed partial class Stager
{
    /// <summary>Stages facts as they are now.</summary>
    /// <param name="facts">Their names.</param>
    /// <param name="retained">For names of retained messages, what is to be written: it was read before.</param>
    public void Restate(IReadOnlyList<FactKey> facts, IReadOnlyList<StateItem> retained)
    {
        StreamPath topicsOf = default;
        List<TopicFact> topics = [];
        foreach (FactKey fact in facts)
        {
            if (fact.Kind == FactKind.Topic)
            {
                if (fact.Partition.Stream != topicsOf)
                {
                    RestateTopics(topicsOf, topics);
                    topicsOf = fact.Partition.Stream;
                }

                if (TopicName.TryParse(fact.Name, out TopicName name, out _) && _state.Topics.Find(topicsOf, name) is { } topic)
                {
                    topics.Add(topic);
                }

                continue;
            }

            Restate(fact);
        }

        RestateTopics(topicsOf, topics);
        foreach (StateItem item in retained)
        {
            StageItem(item);
        }
    }

    private void Restate(in FactKey fact)
    {
        switch (fact.Kind)
        {
            case FactKind.Cursor when ConsumerName.TryParse(fact.Name, out ConsumerName consumer, out _):
                StageItem(StateItems.Of(fact.Partition, consumer, _state.Cursors.Get(consumer, fact.Partition)));
                break;
            case FactKind.Register when _state.Registers.Get(fact.Partition.Stream, fact.Name) is { } register:
                StageItem(StateItems.Of(fact.Partition.Stream, register));
                break;
            case FactKind.Opened when ClusterName.TryParse(fact.Name, out ClusterName cluster, out _)
                && _state.Origins.Latest(cluster) is { } latest:
                StageItem(StateItems.Of(new Origin(cluster, latest)));
                break;
            case FactKind.Run:
                StageItem(StateItems.Of(fact.Partition, fact.Run));
                break;
            case FactKind.Begin when _state.Lanes.Find(new LaneId(fact.Partition, fact.Origin)) is { FirstEntry: > 0 } lane:
                StageSkip(lane, new EntryNumber(lane.FirstEntry), new Offset(lane.FirstOffset), bytesBefore: 0);
                break;
            case FactKind.Missing when _state.Lanes.Find(new LaneId(fact.Partition, fact.Origin)) is { } lane:
                RestateMissing(lane);
                break;
            case FactKind.OwnOrigin when Origin is { } own:
                StageOrigin(own);
                break;
        }
    }

    private void RestateTopics(StreamPath stream, List<TopicFact> topics)
    {
        foreach (StateItem item in StateItems.Of(stream, topics))
        {
            StageItem(item);
        }

        topics.Clear();
    }
}

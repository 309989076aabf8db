using Streams.Geo;

namespace Streams.Simulation;

/// <summary>A link one way: two machines, and the frames between them, which arrive in order after the link's latency. Cut, it loses what
/// is under way, and both sides begin anew when it is restored.</summary>
internal sealed class ScaleLink
{
    private const int PauseMilliseconds = 200;

    private readonly ScaleWorld _world;
    private readonly ScaleCluster _from;
    private readonly ScaleCluster _to;
    private SenderMemory _memory;
    private bool _isDown = true;

    public ScaleLink(ScaleWorld world, ScaleCluster from, ScaleCluster to, int milliseconds)
    {
        _world = world;
        (_from, _to) = (from, to);
        _memory = new SenderMemory((ulong)world.Chance.NextInt64());
        Sender = new ScaleLinkEnd(world, this, from, milliseconds);
        Receiver = new ScaleLinkEnd(world, this, to, milliseconds);
        (Sender.Other, Receiver.Other) = (Receiver, Sender);
        from.Ends.Add(Sender);
        to.Ends.Add(Receiver);
    }

    public ScaleLinkEnd Sender { get; }

    public ScaleLinkEnd Receiver { get; }

    public bool IsUp => Sender.Machine is not null;

    /// <summary>Whether the two still tell each other what they hold; over when the sender has sent its state.</summary>
    public bool IsStarting { get; set; }

    public void Restore()
    {
        _isDown = false;
        if (!IsUp)
        {
            _world.Wire.Starts++;
            IsStarting = true;
            LinkSender sender = new(new LinkSenderSettings(_to.Name, StateChunkBytes: 16 << 10), _from, _from.Reach, _world.Rule, _memory);
            LinkReceiver receiver = new(new LinkReceiverSettings(), _to, _to.Incoming)
            {
                Reached = Reached,
                Wake = () => _to.Mark(Receiver),
            };
            Sender.Start(sender);
            Receiver.Start(receiver);
        }
    }

    public void Cut()
    {
        _isDown = true;
        Drop();
    }

    /// <summary>Ends it for good: what it remembers goes too.</summary>
    public void Remove()
    {
        _isDown = true;
        Sender.Remove();
        Receiver.Remove();
        _memory = new SenderMemory(0);
        _to.ForgetLinks();
    }

    /// <summary>One side hung up: the sender calls again after a pause.</summary>
    public void HungUp(HangUp hangUp)
    {
        if (hangUp.Fault)
        {
            _world.Violation($"{_from.Name}→{_to.Name}: {hangUp.Reason}");
        }

        Drop();
        _world.Time.At(_world.Time.Now + PauseMilliseconds, () =>
        {
            if (!_isDown)
            {
                Restore();
            }
        });
    }

    private void Drop()
    {
        Sender.Stop();
        Receiver.Stop();
    }

    private void Reached(IReadOnlyList<Core.ClusterName> names)
    {
        if (_to.Reach.Add(names))
        {
            foreach (ScaleLinkEnd end in _to.Ends)
            {
                if (end.Machine is LinkSender)
                {
                    _to.Mark(end);
                }
            }
        }
    }
}

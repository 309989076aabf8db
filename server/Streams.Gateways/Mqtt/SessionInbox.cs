using Streams.Mqtt;

namespace Streams.Gateways;

/// <summary>What other threads tell a session's delivery loop. Bounded: acknowledgements by the window, actions by those who wait for
/// them.</summary>
internal sealed class SessionInbox(int mostAcknowledgements, Action wake)
{
    private readonly Lock _lock = new();
    private readonly Queue<(Action Action, TaskCompletionSource Done)> _actions = new();
    private List<MqttPublishReply> _acknowledged = [];
    private List<MqttPublishReply> _taken = [];
    private bool _closed;

    /// <summary>Has an action run on the loop; completes when it has run, with what it threw.</summary>
    public Task PostAsync(Action action)
    {
        TaskCompletionSource done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            if (_closed)
            {
                throw new OperationCanceledException("the session is over");
            }

            _actions.Enqueue((action, done));
        }

        wake();
        return done.Task;
    }

    /// <summary>Takes note of PUBACK, PUBREC or PUBCOMP. A client cannot acknowledge more than it was sent: beyond that it is
    /// noise.</summary>
    public void Acknowledge(MqttPublishReply reply)
    {
        lock (_lock)
        {
            if (_acknowledged.Count >= mostAcknowledgements)
            {
                return;
            }

            _acknowledged.Add(reply);
        }

        wake();
    }

    /// <summary>The acknowledgements since the last call; valid until the next.</summary>
    public List<MqttPublishReply> TakeAcknowledged()
    {
        lock (_lock)
        {
            (_acknowledged, _taken) = (_taken, _acknowledged);
            _acknowledged.Clear();
            return _taken;
        }
    }

    /// <summary>Runs what was posted.</summary>
    public void RunActions()
    {
        while (true)
        {
            (Action Action, TaskCompletionSource Done) next;
            lock (_lock)
            {
                if (!_actions.TryDequeue(out next))
                {
                    return;
                }
            }

            try
            {
                next.Action();
                next.Done.TrySetResult();
            }
            catch (Exception e)
            {
                next.Done.TrySetException(e);
            }
        }
    }

    /// <summary>Nobody runs actions any more.</summary>
    public void Close()
    {
        lock (_lock)
        {
            _closed = true;
            while (_actions.TryDequeue(out (Action Action, TaskCompletionSource Done) next))
            {
                next.Done.TrySetCanceled();
            }
        }
    }
}

using System.Net.Sockets;
using Streams.Core;

namespace Streams.Geo;

/// <summary>The links of others to this cluster, one for each sender: a newer connection of a sender takes the place of an older one,
/// which may
/// be half dead (rule R13).</summary>
internal sealed class IncomingLinks(LinkContext context) : IAsyncDisposable
{
    /// <summary>How many may be greeting, beside those that are linked: strangers cost little, but not nothing.</summary>
    private const int MaxGreeting = 256;

    private readonly Lock _gate = new();
    private readonly Dictionary<ClusterName, LinkLedger> _senders = [];
    private readonly Dictionary<LinkSession, Task> _sessions = [];
    private readonly CancellationTokenSource _stop = new();

    /// <summary>Takes over an accepted connection and closes it in the end.</summary>
    public void Accept(Socket socket)
    {
        FrameConnection connection = new(socket);
        Incoming incoming = new(this);
        LinkReceiverSettings settings = new(context.Options.CreditBytes, context.Options.SliceBytes,
            (int)context.Options.FeedPatience.TotalMilliseconds, (int)context.Options.RepairInterval.TotalMilliseconds);
        LinkReceiver receiver = new(settings, context.Store, context.Incoming, incoming.Admit)
        {
            Reached = context.Horizon.Learn, Lacked = context.Lacked,
        };
        LinkSession session = new(connection, receiver, context);
        receiver.Wake = session.Wake;
        incoming.Session = session;
        lock (_gate)
        {
            if (_stop.IsCancellationRequested || _sessions.Count >= context.Options.MaxIncoming + MaxGreeting)
            {
                connection.Dispose();
                session.Dispose();
                return;
            }

            _sessions.Add(session, Task.CompletedTask);
            _sessions[session] = RunAsync(session, incoming);
        }
    }

    /// <summary>The status of every sender that has linked here since the start.</summary>
    public IReadOnlyList<LinkStatus> Status()
    {
        LinkLedger[] ledgers;
        lock (_gate)
        {
            ledgers = [.. _senders.Values];
        }

        return [.. ledgers.Select(ledger => ledger.Status()).OrderBy(status => status.Name)];
    }

    /// <summary>Whether this sender is connected, all it announced is flushed here, and it does not hold more than
    /// <paramref name="here"/> of the lane.</summary>
    public bool IsLevelWithout(ClusterName sender, LaneId lane, EntryNumber here)
    {
        LinkLedger? ledger;
        lock (_gate)
        {
            ledger = _senders.GetValueOrDefault(sender);
        }

        return ledger?.Session?.Look(machine =>
            machine is LinkReceiver receiver && receiver.IsLevelWithout(lane, here)) ?? false;
    }

    public async ValueTask DisposeAsync()
    {
        Task[] running;
        lock (_gate)
        {
            _stop.Cancel();
            running = [.. _sessions.Values];
        }

        await Task.WhenAll(running);
        _stop.Dispose();
    }

    private async Task RunAsync(LinkSession session, Incoming incoming)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        string reason = "stopped";
        try
        {
            reason = await session.RunAsync(_stop.Token);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The server stops.
        }
        catch (Exception exception)
        {
            reason = exception.Message;
        }

        LinkLog.IncomingEnded(context.Logger, incoming.Sender?.Cluster.Value ?? session.Connection.Remote, reason);
        lock (_gate)
        {
            if (incoming.Sender is { } sender && _senders.TryGetValue(sender.Cluster, out LinkLedger? ledger))
            {
                ledger.End(session, reason);
            }

            _sessions.Remove(session);
        }

        session.Dispose();
    }

    /// <summary>Called from within the session of <paramref name="incoming"/>.</summary>
    private string? Admit(HelloFrame hello, Incoming incoming)
    {
        LinkSession? old;
        lock (_gate)
        {
            incoming.Sender = hello.Sender;
            if (hello.Probe)
            {
                return null;
            }

            if (!_senders.TryGetValue(hello.Sender.Cluster, out LinkLedger? ledger))
            {
                if (_senders.Count >= context.Options.MaxIncoming)
                {
                    return $"{_senders.Count} clusters link here already, no more are allowed";
                }

                _senders.Add(hello.Sender.Cluster, ledger = new LinkLedger(hello.Sender.Cluster, context.Time));
            }

            old = ledger.Begin(incoming.Session!);
        }

        if (old is not null)
        {
            // What the half dead session fed and remembered is free for the new one at once. Sessions only ever end older ones, so this
            // waits for no circle of locks.
            old.EndMachine();
            old.Fail(new LinkBrokenException($"{hello.Sender.Cluster} has connected anew"));
        }

        context.Horizon.LearnSender(hello.Sender.Cluster);
        return null;
    }

    /// <summary>A connection, and who turned out to be at its other end.</summary>
    private sealed class Incoming(IncomingLinks links)
    {
        public LinkSession? Session { get; set; }

        public Origin? Sender { get; set; }

        public string? Admit(HelloFrame hello) => links.Admit(hello, this);
    }
}

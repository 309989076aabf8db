using System.Threading.Channels;
using Streams.Core;

namespace Streams.Geo;

/// <summary>Runs a machine over a connection: one task reads, one carries out what the machine wants. The first failure of either, or of
/// the
/// store, ends both and is what <see cref="RunAsync"/> gives.</summary>
/// <remarks>The reading task never waits for the writing one, on either side; so neither side can hold up the other by not
/// reading.</remarks>
internal sealed class LinkSession : IDisposable
{
    private const int FlushBytes = 128 << 10;
    private static readonly TimeSpan LastWords = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan TickInterval = TimeSpan.FromMilliseconds(200);

    private readonly Lock _gate = new();
    private readonly FrameConnection _connection;
    private readonly ILinkMachine _machine;
    private readonly LinkContext _context;
    private readonly string _direction;
    private readonly Channel<bool> _signal = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly CancellationTokenSource _stop = new();
    private readonly StoreOperations _operations;
    private readonly StateReading _state;
    private readonly LaneWatch? _watch;
    private readonly long _started;
    private long _heard;
    private int _tick;
    private Exception? _failure;

    public LinkSession(FrameConnection connection, ILinkMachine machine, LinkContext context)
    {
        _connection = connection;
        _machine = machine;
        _context = context;
        _direction = machine is LinkSender ? "to" : "from";
        _operations = new StoreOperations(context, this);
        _state = new StateReading(context.Store);
        _started = _heard = context.Time.GetTimestamp();
        _watch = machine is LinkSender ? new LaneWatch(context.Store, context.Time, Wake) : null;
    }

    public FrameConnection Connection => _connection;

    /// <summary>Reads something off the machine while nobody else uses it.</summary>
    public T Look<T>(Func<ILinkMachine, T> look)
    {
        lock (_gate)
        {
            return look(_machine);
        }
    }

    /// <summary>Tells the machine something, and lets the session see what it wants now.</summary>
    public void Tell(Action<ILinkMachine> tell)
    {
        lock (_gate)
        {
            tell(_machine);
        }

        Wake();
    }

    public void Wake() => _signal.Writer.TryWrite(true);

    /// <summary>The machine takes part in nothing any more, though the connection may not be over yet.</summary>
    public void EndMachine() => Look(static machine =>
    {
        machine.End();
        return true;
    });

    /// <summary>Ends the session because something failed.</summary>
    public void Fail(Exception failure)
    {
        Interlocked.CompareExchange(ref _failure, failure, null);
        _stop.Cancel();
    }

    /// <summary>Passes state on if this is an outgoing link to another cluster than it came from.</summary>
    public void PassOn(Origin? from, IReadOnlyList<StateItem> items)
    {
        if (_machine is LinkSender sender)
        {
            Tell(_ =>
            {
                if (sender.Peer?.Cluster != from?.Cluster)
                {
                    sender.PassOn(items);
                }
            });
        }
    }

    /// <summary>Runs until one side hangs up.</summary>
    /// <returns>Why this side hung up, when that is no fault.</returns>
    /// <exception cref="LinkBrokenException">It broke, or was refused; the message says why.</exception>
    public async Task<string> RunAsync(CancellationToken cancellationToken)
    {
        using CancellationTokenRegistration outer = cancellationToken.Register(static s => ((CancellationTokenSource)s!).Cancel(), _stop);
        await using ITimer timer = _context.Time.CreateTimer(
            _ => Tick(), null, _context.Options.PingInterval, _context.Options.PingInterval);
        await using ITimer clock = _context.Time.CreateTimer(_ => TellTime(), null, TimeSpan.Zero, TickInterval);
        _context.Enter(this);
        Task reading = ReadAsync();
        HangUp? hangUp = null;
        try
        {
            hangUp = await WorkAsync(_stop.Token);
            await reading.WaitAsync(LastWords, _context.Time, _stop.Token);
        }
        catch (Exception exception)
        {
            Interlocked.CompareExchange(ref _failure, exception is TimeoutException or OperationCanceledException ? null : exception, null);
        }
        finally
        {
            _context.Leave(this);
            _watch?.Dispose();
            await _stop.CancelAsync();
            _connection.Dispose();
            await reading;
            await _operations.DrainAsync();
            _state.Dispose();
        }

        HangUp? wish = hangUp ?? LastWish();
        EndMachine();

        cancellationToken.ThrowIfCancellationRequested();
        return wish is { Fault: false } ? wish.Reason
            : throw new LinkBrokenException(wish?.Reason ?? _failure?.Message ?? "the other side hung up", _failure);
    }

    public void Dispose() => _stop.Dispose();

    private async Task ReadAsync()
    {
        try
        {
            await _connection.ReadAsync(() => Look(static m => m.MaxBodyBytes), Received, _stop.Token);
            Fail(new IOException("the other side hung up"));
        }
        catch (Exception exception)
        {
            Fail(exception);
        }
    }

    private void Received(LinkFrame frame)
    {
        Volatile.Write(ref _heard, _context.Time.GetTimestamp());
        Tell(machine => machine.Receive(frame));
    }

    /// <summary>When the connection ended first, the machine may still know better why.</summary>
    private HangUp? LastWish() => Look(static machine =>
    {
        HangUp? wish = null;
        for (int i = 0; i < 1000 && machine.TryNext(out LinkAction? action); i++)
        {
            wish = action as HangUp ?? wish;
        }

        return wish;
    });

    private async Task<HangUp> WorkAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            if (_watch?.TakeChange() == true)
            {
                Look(static machine =>
                {
                    machine.Refresh();
                    return true;
                });
                _watch.Looked();
            }

            if (Interlocked.Exchange(ref _tick, 0) == 1)
            {
                _connection.Write(new PingFrame());
            }

            LinkAction? action = Look(static machine => machine.TryNext(out LinkAction? next) ? next : null);
            if (action is HangUp hangUp)
            {
                await _connection.FlushAsync(cancellationToken);
                _connection.EndSending();
                return hangUp;
            }

            if (action is not null)
            {
                await PerformAsync(action, cancellationToken);
            }

            if (_connection.Unflushed > (action is null ? 0 : FlushBytes))
            {
                await _connection.FlushAsync(cancellationToken);
            }
            else if (action is null)
            {
                _connection.Rest();
                await _signal.Reader.ReadAsync(cancellationToken);
            }
        }
    }

    private async ValueTask PerformAsync(LinkAction action, CancellationToken cancellationToken)
    {
        switch (action)
        {
            case SendFrame send:
                _connection.Write(send.Frame);
                break;
            case ReadLane read:
                await ReadLaneAsync(read, cancellationToken);
                break;
            case ReadState state:
                (IReadOnlyList<StateItem> items, bool last, long revision) = _state.Take(state);
                Tell(machine => machine.OnState(state, items, last, revision));
                break;
            case Report report:
                LinkLog.Write(_context.Logger, _direction, Look(static m => m.Peer)?.Cluster.Value ?? _connection.Remote, report);
                break;
            case OpenIncarnation open:
                await _operations.DrainAsync(); // what tells the store of a later incarnation comes first
                await _context.OpenAsync(open, cancellationToken);
                break;
            default:
                _operations.Start(action, cancellationToken);
                break;
        }
    }

    private async ValueTask ReadLaneAsync(ReadLane read, CancellationToken cancellationToken)
    {
        // The frames speak of the slice's memory: they are written before it is given back.
        LaneSlice slice = LaneSlice.Empty;
        string? fault = null;
        LostRun? lost = null;
        try
        {
            slice = await _context.Store.ReadAsync(read.Lane, read.From, read.MaxBytes, cancellationToken);
        }
        catch (InvalidFormatException damaged)
        {
            fault = damaged.Message;
            lost = LostAt(read);
        }

        using LaneSlice disposed = slice;
        List<LinkFrame> frames = [];
        Look(machine =>
        {
            if (fault is not null)
            {
                machine.OnDamaged(read, fault, lost, frames);
            }
            else
            {
                machine.OnRead(read, slice.Entries, frames);
            }

            return true;
        });
        foreach (LinkFrame frame in frames)
        {
            _connection.Write(frame);
        }
    }

    private LostRun? LostAt(ReadLane read)
    {
        try
        {
            return _context.Store.Lost(read.Lane, read.From);
        }
        catch (InvalidFormatException)
        {
            return null;                                 // the index behind it is damaged too: not known yet where it goes on
        }
    }

    private void TellTime()
    {
        TimeSpan now = _context.Now;
        Tell(machine => machine.Tick(now));
    }

    private void Tick()
    {
        TimeSpan silence = _context.Time.GetElapsedTime(Volatile.Read(ref _heard));
        bool strange = Look(static m => m.Peer) is null && _context.Time.GetElapsedTime(_started) > _context.Options.SilenceLimit;
        if (silence > _context.Options.SilenceLimit || strange)
        {
            Fail(new IOException($"nothing was heard for {silence.TotalSeconds:0.#} s"));
        }

        Volatile.Write(ref _tick, 1);
        Wake();
    }
}

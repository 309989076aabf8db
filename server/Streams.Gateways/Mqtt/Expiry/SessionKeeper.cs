using System.Buffers.Binary;
using Streams.Core;

namespace Streams.Gateways;

/// <summary>Ends what is over: wills whose delay has passed, sessions whose time has. Both stand in registers; of each only when it is due
/// is held, of no more than <see cref="Capacity"/> each, and what is due later is found again by a walk over the registers.</summary>
/// <remarks>Only what belongs to this cluster's connections is ended here. The clock of this process that no step of the wall clock moves
/// says when something is due; the wall clock says how much was left when the process began. Failure: what the store refuses is tried
/// again; nothing but removal depends on it.</remarks>
internal sealed class SessionKeeper : IDisposable
{
    /// <summary>Most wills and most sessions whose end is held in memory: some 20 MB each.</summary>
    public const int Capacity = 100_000;

    // What is ended at once shares a flush; with the pause some 1000 sessions a second end, and clients do not notice.
    private const int SessionsAtOnce = 64;
    private const int WillsAtOnce = 256;
    private const string Unmarked = "unmarked/";          // due: the register is to say when the client went
    private const int PageSize = 512;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan Retry = TimeSpan.FromSeconds(1);

    private readonly GatewayServices _services;
    private readonly SessionStore _records;
    private readonly Func<string, MqttSession?> _connected;
    private readonly Func<bool> _hasKept;
    private readonly Reminders _dueWills;
    private readonly Reminders _dueSessions;
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _walked = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly long? _signBefore;
    private readonly long _startedAt;
    private readonly Task _loops;
    private long? _signedAt;

    /// <summary>A keeper that begins at once.</summary>
    /// <param name="services">What the gateway works with.</param>
    /// <param name="connected">The connection that a client has here.</param>
    /// <param name="hasKept">Whether some connection has a session that outlives it.</param>
    /// <param name="producer">Under which identity wills are taken in.</param>
    /// <param name="epoch">Its epoch.</param>
    public SessionKeeper(GatewayServices services, Func<string, MqttSession?> connected, Func<bool> hasKept, ProducerId producer,
        ulong epoch)
    {
        _services = services;
        _connected = connected;
        _hasKept = hasKept;
        _records = new SessionStore(services.Store, services.Time, services.Log);
        _dueWills = new Reminders(Capacity, services.Time);
        _dueSessions = new Reminders(Capacity, services.Time);
        Wills = new WillKeeper(services, new WillPublisher(services, producer, epoch), connected, Gate, _dueWills);
        _signBefore = ReadSign();
        _startedAt = services.Time.GetUtcNow().ToUnixTimeMilliseconds();
        _loops = Task.Run(RunAsync);
    }

    /// <summary>The wills.</summary>
    public WillKeeper Wills { get; }

    /// <summary>Who may decide over a client's session.</summary>
    public ClientGate Gate { get; } = new();

    /// <summary>Waits until what an earlier process left is known.</summary>
    public Task ReadyAsync(CancellationToken cancellationToken) => _walked.Task.WaitAsync(cancellationToken);

    /// <summary>A session is kept from now on without a connection.</summary>
    public void Left(string clientId, uint expirySeconds)
    {
        if (expirySeconds != SessionRecord.NeverExpires)
        {
            _dueSessions.Set(SessionRecord.Key(clientId), TimeSpan.FromSeconds(expirySeconds));
        }
    }

    /// <summary>A session ended and could not be written: it is tried again.</summary>
    public void Unwritten(string clientId) => _dueSessions.Set(Unmarked + clientId, Retry);

    /// <summary>A client is back.</summary>
    public void Back(string clientId)
    {
        _dueSessions.Cancel(SessionRecord.Key(clientId));
        _dueSessions.Cancel(Unmarked + clientId);
    }

    /// <summary>Whether a session is over that still looks open because its server was killed.</summary>
    public bool IsOver(string clientId)
    {
        long now = _services.Time.GetUtcNow().ToUnixTimeMilliseconds();
        return _services.Store.Register(SessionRecord.Stream, SessionRecord.Key(clientId)) is { } fact
            && SessionHead.Read(fact.Value) is { GoneAt: 0 } head && IsOurs(head)
            && ExpiryRules.Left(head.ExpirySeconds, GoneAt(fact, now), now) == TimeSpan.Zero;
    }

    /// <summary>Ends nothing more; completes when what was begun is over.</summary>
    public async Task StopAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _loops.ConfigureAwait(false);
    }

    /// <summary>Ends nothing more. What was begun may still be under way.</summary>
    public void Dispose()
    {
        _stop.Cancel();
        _ = _loops.ContinueWith(_ => _stop.Dispose(), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
    }

    // Connections wait for the wills only: whether a session is over they see for themselves.
    private async Task RunAsync()
    {
        try
        {
            await WalkAsync(fact => LookForWill(fact, isStart: true)).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            GatewayLog.KeeperFailed(_services.Log, e);
        }
        finally
        {
            _walked.TrySetResult();
        }

        await Task.WhenAll(LoopAsync(WillsAsync), SessionsFromStartAsync()).ConfigureAwait(false);
    }

    private async Task SessionsFromStartAsync()
    {
        try
        {
            await WalkAsync(LookForSession).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            GatewayLog.KeeperFailed(_services.Log, e);
        }

        await LoopAsync(SessionsAsync).ConfigureAwait(false);
    }

    private async Task LoopAsync(Func<CancellationToken, Task> round)
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await round(_stop.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                GatewayLog.KeeperFailed(_services.Log, e);
                await Task.Delay(Retry, _services.Time, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task WillsAsync(CancellationToken cancellationToken)
    {
        if (_dueWills.NeedsWalk)
        {
            _dueWills.BeginWalk();
            await WalkAsync(fact => LookForWill(fact, isStart: false)).ConfigureAwait(false);
        }

        List<string> due = _dueWills.Take(WillsAtOnce);
        await Task.WhenAll(due.Select(Wills.DueAsync)).ConfigureAwait(false);
        if (due.Count == 0)
        {
            await _dueWills.WaitAsync(ExpiryRules.SignPeriod, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task SessionsAsync(CancellationToken cancellationToken)
    {
        await SignAsync().ConfigureAwait(false);
        if (_dueSessions.NeedsWalk)
        {
            _dueSessions.BeginWalk();
            await WalkAsync(LookForSession).ConfigureAwait(false);
        }

        List<string> due = _dueSessions.Take(SessionsAtOnce);
        await Task.WhenAll(due.Select(EndAsync)).ConfigureAwait(false);
        if (due.Count == SessionsAtOnce)
        {
            await Task.Delay(Pause, _services.Time, cancellationToken).ConfigureAwait(false);
        }
        else
        {
            await _dueSessions.WaitAsync(ExpiryRules.SignPeriod, cancellationToken).ConfigureAwait(false);
        }
    }

    // In memory, a page under the store's lock at a time.
    private async Task WalkAsync(Action<RegisterFact> look)
    {
        int from = 0;
        while (!_stop.IsCancellationRequested)
        {
            RegisterPage page = _services.Store.Registers(SessionRecord.Stream, from, PageSize);
            if (page.Facts.Count == 0)
            {
                return;
            }

            from = page.Next;
            foreach (RegisterFact fact in page.Facts)
            {
                if (!fact.Value.IsEmpty)
                {
                    look(fact);
                }
            }

            await Task.Yield();
        }
    }

    private void LookForWill(RegisterFact fact, bool isStart)
    {
        if (WillKeys.IsWill(fact.Key))
        {
            Wills.Found(fact.Key, isStart);
        }
    }

    private void LookForSession(RegisterFact fact)
    {
        if (SessionRecord.TryClient(fact.Key, out string clientId) && SessionHead.Read(fact.Value) is { } head && IsOurs(head)
            && _connected(clientId) is null)
        {
            long now = _services.Time.GetUtcNow().ToUnixTimeMilliseconds();

            // One that still looks open gets the moment of its end first.
            if (head.GoneAt == 0)
            {
                _dueSessions.Set(Unmarked + clientId, TimeSpan.Zero);
            }
            else if (ExpiryRules.Left(head.ExpirySeconds, head.GoneAt, now) is { } left)
            {
                _dueSessions.Set(fact.Key, left);
            }
        }
    }

    private async Task EndAsync(string key)
    {
        bool isMarked = SessionRecord.TryClient(key, out string clientId);
        clientId = isMarked ? clientId : key[Unmarked.Length..];
        await Gate.EnterAsync(clientId, CancellationToken.None).ConfigureAwait(false);
        try
        {
            if (!isMarked && _connected(clientId) is not null)
            {
                _dueSessions.Set(key, Retry);            // its connection is just ending
            }
            else if (_connected(clientId) is null
                && _services.Store.Register(SessionRecord.Stream, SessionRecord.Key(clientId)) is { Value.IsEmpty: false } fact
                && SessionHead.Read(fact.Value) is { } head && IsOurs(head))
            {
                await (head.GoneAt == 0 || !isMarked ? MarkGoneAsync(clientId, head, fact) : RemoveAsync(clientId, fact))
                    .ConfigureAwait(false);
            }
        }
        catch (StreamsException e)
        {
            GatewayLog.SessionNotWritten(_services.Log, clientId, e.Message);
            _dueSessions.Set(key, Retry);
        }
        finally
        {
            Gate.Leave(clientId);
        }
    }

    private async Task RemoveAsync(string clientId, RegisterFact fact)
    {
        await _records.EndAsync(fact).ConfigureAwait(false);
        await _records.ClearExchangeAsync(clientId, CancellationToken.None).ConfigureAwait(false);
        _services.Meter.SessionsExpired.Add(1);
        GatewayLog.SessionExpired(_services.Log, clientId);
    }

    private async Task MarkGoneAsync(string clientId, SessionHead head, RegisterFact fact)
    {
        long now = _services.Time.GetUtcNow().ToUnixTimeMilliseconds();
        long goneAt = head.GoneAt > 0 ? head.GoneAt : GoneAt(fact, now);
        await _records.LeaveAsync(clientId, head.Owner, SessionHead.WithGoneAt(fact.Value, goneAt), CancellationToken.None)
            .ConfigureAwait(false);
        if (ExpiryRules.Left(head.ExpirySeconds, goneAt, now) is { } left)
        {
            _dueSessions.Set(fact.Key, left);
        }
    }

    private long GoneAt(in RegisterFact fact, long now) =>
        ExpiryRules.GoneAt(_signBefore, fact.At.UnixMilliseconds, _startedAt, now);

    private string SignKey => $"gateway/{_services.Store.Origin.Cluster}";

    private long? ReadSign() =>
        _services.Store.Register(SessionRecord.Stream, SignKey) is { Value.Length: sizeof(long) } fact
            ? BinaryPrimitives.ReadInt64LittleEndian(fact.Value.Span) : null;

    private async Task SignAsync()
    {
        if ((_signedAt is { } last && _services.Time.GetElapsedTime(last) < ExpiryRules.SignPeriod) || !_hasKept())
        {
            return;
        }

        _signedAt = _services.Time.GetTimestamp();
        byte[] value = new byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(value, _services.Time.GetUtcNow().ToUnixTimeMilliseconds());
        try
        {
            await _services.Store.SetRegisterAsync(SessionRecord.Stream, SignKey, value, CancellationToken.None).ConfigureAwait(false);
        }
        catch (StreamsException)
        {
            // Sessions whose server is killed now live up to a period longer.
        }
    }

    private bool IsOurs(in SessionHead head) => WillRules.IsAt(head.Owner, _services.Store.Origin.Cluster);
}

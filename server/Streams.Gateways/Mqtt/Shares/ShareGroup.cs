using System.Text;
using Streams.Core;

namespace Streams.Gateways;

/// <summary>One shared subscription with members here: one loop that reads for all of them, hands each message to one, and commits the
/// group's cursors.</summary>
/// <remarks>There is no queue: the log is read on as members have room. What comes back from a member that is gone is kept as its place and
/// read again. The loop ends when the last member has gone: then the cursors are committed, and nothing of the group is left in memory.
/// Failure: what is thrown in the loop ends the sessions of all members with the same reason; what they did not acknowledge comes
/// again.</remarks>
internal sealed class ShareGroup : IDisposable
{
    private static readonly TimeSpan RestorePeriod = TimeSpan.FromSeconds(10);

    private readonly GatewayServices _services;
    private readonly ShareDispatch<ShareEntry> _dispatch = new();
    private readonly ShareRegister _register;
    private readonly ShareInbox _inbox;
    private readonly WakeSignal _wake;
    private readonly PlaceReader _places;
    private readonly TaskCompletionSource _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<ShareMember> _joining = [];
    private readonly List<ShareLeaving> _leaving = [];
    private readonly List<TaskCompletionSource> _last = [];
    private readonly List<long> _unwritten = [];
    private readonly List<ShareMember> _members = [];
    private readonly Predicate<IShareMember> _may;
    private readonly Func<PartitionReading, TimeSpan, bool> _give;
    private char[] _topic = [];
    private int _topicLength;
    private int _bytes;
    private StreamPath _stream;
    private ShareLeave _how = ShareLeave.Gone;
    private TimeSpan _restoreDue;

    public ShareGroup(GatewayServices services, ShareName name)
    {
        _services = services;
        Name = name;
        _wake = new WakeSignal(services.Time);
        _inbox = new ShareInbox(_wake.Set);
        _register = new ShareRegister(services, name);
        _places = new PlaceReader(services.Store);
        _may = May;
        _give = Give;
    }

    /// <summary>Its name.</summary>
    public ShareName Name { get; }

    /// <summary>Completes when the group is in the log, or fails with why it is not.</summary>
    public Task Opened => _opened.Task;

    /// <summary>Completes when nothing of it is left here.</summary>
    public Task Ended => _ended.Task;

    /// <summary>Begins, once.</summary>
    public void Start() => _ = Task.Run(RunAsync);

    /// <summary>A member comes; false when the group is ending: then it comes again behind <see cref="Ended"/>.</summary>
    public bool TryJoin(ShareMember member)
    {
        member.Group = this;
        return _inbox.TryJoin(member);
    }

    /// <summary>A member leaves; completes when what it had can be given to others, and where it was the last, when the group has
    /// ended. Idempotent.</summary>
    public Task Leave(ShareMember member, ShareLeave how, uint expirySeconds)
    {
        TaskCompletionSource done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        return _inbox.TryLeave(new ShareLeaving(member, how, expirySeconds, done)) ? done.Task : Ended;
    }

    /// <summary>A member has a message for good, or refused it (MQTT-4.8.2-6).</summary>
    public void Done(ShareMember member, long ticket) => _inbox.Done(member, ticket);

    /// <summary>A member has room.</summary>
    public void NoteRoom() => _wake.Set();

    /// <summary>Behind the end of its loop, which sees to it.</summary>
    public void Dispose()
    {
        _places.Dispose();
        _wake.Dispose();
    }

    private async Task RunAsync()
    {
        try
        {
            await _register.OpenAsync(CancellationToken.None).ConfigureAwait(false);
            _opened.TrySetResult();
            using ShareReader reader = new(_services, Name, _register.Subscriptions, _wake.Set);
            await LoopAsync(reader).ConfigureAwait(false);
            await FinishAsync(reader).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            Fail(e);
        }
        finally
        {
            _services.Shares.Remove(this);
            Dispose();
            _ended.TrySetResult();
            _last.ForEach(static done => done.TrySetResult());
        }
    }

    private async Task LoopAsync(ShareReader reader)
    {
        _restoreDue = _wake.Now + RestorePeriod;
        while (true)
        {
            TimeSpan now = _wake.Now;
            TakeIn(reader, now);
            if (_dispatch.HolderCount == 0 && _inbox.TryClose())
            {
                return;
            }

            reader.TakeNews(now);
            bool more = await WorkAsync(reader, now).ConfigureAwait(false);
            if (now >= _restoreDue)
            {
                _restoreDue = now + RestorePeriod;
                await RestoreAsync().ConfigureAwait(false);
            }

            TimeSpan? due = reader.Run(now);         // also while there is always more to give
            if (more)
            {
                continue;
            }

            await _wake.WaitAsync(due is { } at && at < _restoreDue ? at : _restoreDue, CancellationToken.None).ConfigureAwait(false);
        }
    }

    private async ValueTask RestoreAsync()
    {
        try
        {
            await _register.RestoreAsync(CancellationToken.None).ConfigureAwait(false);
        }
        catch (StreamsException e)
        {
            GatewayLog.SessionNotWritten(_services.Log, Name.Text, e.Message);
        }
    }

    // What was acknowledged comes first: it does not come back when the member leaves.
    private void TakeIn(ShareReader reader, TimeSpan now)
    {
        _inbox.Take(_joining, _leaving);
        foreach ((ShareMember member, long ticket) in _inbox.TakeDone())
        {
            if (_dispatch.Done(member, ticket, out ShareEntry entry))
            {
                reader.Confirm(entry, now);
                RemoveIfDone(member);
            }
        }

        foreach (ShareMember member in _joining)
        {
            _dispatch.Join(member);
            _members.Add(member);
        }

        _joining.Clear();
        _leaving.ForEach(Leave);
        _leaving.Clear();
        if (_dispatch.HolderCount > 0 && _last.Count > 0)
        {
            _last.ForEach(static done => done.TrySetResult());
            _last.Clear();
        }
    }

    private void Leave(ShareLeaving leaving)
    {
        leaving.Member.Close(_unwritten);
        _unwritten.ForEach(ticket => _dispatch.Return(leaving.Member, ticket));
        _services.Meter.SharesReturned.Add(_unwritten.Count);
        _unwritten.Clear();
        if (leaving.How == ShareLeave.Unsubscribed)
        {
            _how = leaving.How;
            if (_dispatch.Retire(leaving.Member))
            {
                Forget(leaving.Member);
            }
        }
        else if (_dispatch.Leave(leaving.Member) is >= 0 and int back)
        {
            _how = leaving.How;
            Forget(leaving.Member);
            _services.Meter.SharesReturned.Add(back);
            _register.Keep(leaving.ExpirySeconds);
        }

        _last.Add(leaving.Done);
    }

    private void RemoveIfDone(ShareMember member)
    {
        if (_dispatch.RemoveIfDone(member))
        {
            Forget(member);
        }
    }

    private void Forget(ShareMember member)
    {
        _members.Remove(member);
        member.IsGone = true;
    }

    private async ValueTask<bool> WorkAsync(ShareReader reader, TimeSpan now)
    {
        if (!_dispatch.HasRoom)
        {
            _places.Dispose();
            reader.Stall(now);
            return false;
        }

        if (_dispatch.TryReturned(out long ticket, out ShareEntry entry))
        {
            return await GiveAgainAsync(reader, ticket, entry, now).ConfigureAwait(false);
        }

        _places.Dispose();
        return await reader.PumpAsync(_give, now, CancellationToken.None).ConfigureAwait(false) || _dispatch.HasReturned;
    }

    // False when it has to wait.
    private async ValueTask<bool> GiveAgainAsync(ShareReader reader, long ticket, ShareEntry entry, TimeSpan now)
    {
        LaneId lane = new(entry.Reading.Partition, entry.Origin);
        EventView? view = await _places.FindAsync(lane, entry.Offset, CancellationToken.None).ConfigureAwait(false);
        IShareMember? member = null;
        bool nobodyMay = view is null;
        if (view is { } found)
        {
            SetMessage(entry.Reading, found);
            member = _dispatch.Choose(_may, out nobodyMay);
        }

        if (member is not null)
        {
            _dispatch.GiveAgain(ticket, member);
            HandOver(entry.Reading, new GivenEvent(ticket, entry.Origin, entry.Offset, entry.Release, view!.Value), ticket, member);
            return true;
        }

        if (!nobodyMay)
        {
            return false;
        }

        // Retention took it meanwhile, it is damaged here, or no member may have it or can take it.
        _dispatch.Drop(ticket);
        _services.Meter.SharesPassedOver.Add(1);
        reader.Confirm(entry, now);
        return true;
    }

    // False when nobody takes more.
    private bool Give(PartitionReading partition, TimeSpan now)
    {
        while (_dispatch.HasRoom && !_dispatch.HasReturned)
        {
            if (!partition.Reader.TryNext(now, out GivenEvent given))
            {
                return true;
            }

            partition.GivenSinceCommit = true;
            SetMessage(partition, given.View);
            IShareMember? member = _dispatch.Choose(_may, out bool nobodyMay);
            if (nobodyMay)
            {
                _services.Meter.SharesPassedOver.Add(1);
                partition.Reader.Confirm(given.Ticket);
                continue;
            }

            long ticket = _dispatch.Give(new ShareEntry(partition, given.Ticket, given.Origin, given.Offset, given.Release), member);
            if (member is not null)
            {
                HandOver(partition, given, ticket, member);
            }
        }

        return false;
    }

    private void HandOver(PartitionReading partition, in GivenEvent given, long ticket, IShareMember member)
    {
        ShareMessage message = ShareMessage.Copy(partition, given, ticket);
        if (!((ShareMember)member).Offer(message))
        {
            message.Release();
            _dispatch.Return(member, ticket);
        }
    }

    private void SetMessage(PartitionReading partition, in EventView view)
    {
        _bytes = view.Topic.Length + view.Payload.Length;
        _stream = partition.Partition.Stream;
        if (_topic.Length < view.Topic.Length)
        {
            _topic = new char[Math.Max(64, view.Topic.Length)];
        }

        _topicLength = Encoding.UTF8.GetChars(view.Topic.Span, _topic);
    }

    // What is certainly too large for one member can go to another. What turns out to be, with all properties, is dropped as if sent.
    private bool May(IShareMember member)
    {
        ShareMember asked = (ShareMember)member;
        return _bytes < asked.MaxPacketBytes
            && _services.Access.Allows(asked.Subject, AccessAction.Deliver, _stream, _topic.AsSpan(0, _topicLength));
    }

    // What cannot be committed or written is logged: then it comes again.
    private async Task FinishAsync(ShareReader reader)
    {
        using CancellationTokenSource limit = new(_services.Options.CloseTimeout, _services.Time);
        try
        {
            await reader.FinishAsync(limit.Token).ConfigureAwait(false);
            await _register.LeaveAsync(_how, limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            GatewayLog.CloseTooSlow(_services.Log, Name.Text, _services.Options.CloseTimeout);
        }
        catch (StreamsException e)
        {
            GatewayLog.SessionNotWritten(_services.Log, Name.Text, e.Message);
        }
    }

    private void Fail(Exception failure)
    {
        _inbox.Close(_joining, _leaving);
        _members.AddRange(_joining);
        foreach (ShareMember member in _members)
        {
            member.Close(_unwritten);
            member.Fail(failure);
        }

        _last.AddRange(_leaving.ConvertAll(static leaving => leaving.Done));
        if (_opened.TrySetException(failure))
        {
            _ = _opened.Task.Exception;              // who waited for it may have gone
        }
        else
        {
            GatewayLog.ShareFailed(_services.Log, Name.Text, failure.Message);
        }
    }
}

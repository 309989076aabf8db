using Streams.Core;
using Streams.Mqtt;

namespace Streams.Gateways;

/// <summary>What the log keeps of a group beside its cursors: a register of <c>/$mqtt</c> in the form of a session's, with the filter
/// inside, where the group began, and how long it is kept. While it is there, a group that comes again goes on behind its
/// cursors.</summary>
internal sealed class ShareRegister(GatewayServices services, ShareName name)
{
    private long _keptUntil;

    /// <summary>The filter and where the group began.</summary>
    public SessionSubscriptions Subscriptions { get; private set; } = new();

    private DateTimeOffset Now => services.Time.GetUtcNow();

    /// <summary>Finds the group in the log, or begins it with what comes from now on; completes when that is flushed.</summary>
    /// <exception cref="StreamsException">It could not be written.</exception>
    public async ValueTask OpenAsync(CancellationToken cancellationToken)
    {
        SessionRecord? kept = Find();
        if (kept is not null)
        {
            Subscriptions = kept.Subscriptions;
            long goneAt = kept.GoneAt > 0 ? kept.GoneAt : Now.ToUnixTimeMilliseconds();
            uint expiry = kept.GoneAt > 0 ? kept.ExpirySeconds : Longest;     // it had members when its server was killed
            _keptUntil = goneAt + expiry * 1000L;
        }
        else
        {
            Subscriptions.Set(new Subscription(name.Filter, MqttQos.AtLeastOnce, 0, NoLocal: false));
            Begin();
        }

        if (kept is not { GoneAt: 0 })
        {
            await WriteAsync(0, 0, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>The session of a member is kept for so long behind its connection.</summary>
    public void Keep(uint expirySeconds) => _keptUntil = Math.Max(_keptUntil, Now.ToUnixTimeMilliseconds() + expirySeconds * 1000L);

    /// <summary>Writes it again when another cluster, whose last member went, has marked or removed it.</summary>
    public ValueTask RestoreAsync(CancellationToken cancellationToken) =>
        Find() is { GoneAt: 0 } ? ValueTask.CompletedTask : WriteAsync(0, 0, cancellationToken);

    /// <summary>The last member has gone.</summary>
    /// <param name="how">Why it went. When it unsubscribed, and no session that was a member is kept, the group is forgotten.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    public ValueTask LeaveAsync(ShareLeave how, CancellationToken cancellationToken)
    {
        long now = Now.ToUnixTimeMilliseconds();
        long until = how == ShareLeave.Unsubscribed ? _keptUntil
            : Math.Max(_keptUntil, now + (long)services.Options.ShareExpiry.TotalMilliseconds);
        return until <= now ? RemoveAsync(cancellationToken)
            : WriteAsync(now, (uint)Math.Min((until - now + 999) / 1000, SessionRecord.NeverExpires), cancellationToken);
    }

    private uint Longest => (uint)Math.Min(services.Options.MaxSessionExpiry.TotalSeconds, SessionRecord.NeverExpires - 1);

    private SessionRecord? Find()
    {
        if (services.Store.Register(SessionRecord.Stream, name.CursorName.Value)?.Value is not { IsEmpty: false } value)
        {
            return null;
        }

        SessionRecord? record = SessionRecordFormat.Read(value);
        if (record is null)
        {
            GatewayLog.SessionUnreadable(services.Log, name.Text, "its bytes are no group of a version known here");
        }

        return record is null || record.IsExpired(Now) || record.Subscriptions.Find(name.Filter) is null ? null : record;
    }

    private void Begin()
    {
        foreach (StreamPath stream in services.Store.Streams)
        {
            if (TopicMap.Prefix(stream) is not { } prefix || !TopicMap.MayMatch(name.Filter, prefix))
            {
                continue;
            }

            for (int i = 0; i < (services.Store.Settings(stream)?.Partitions ?? 0); i++)
            {
                StreamPartition partition = new(stream, new PartitionId(i));
                Subscriptions.Bases[partition] = Heads(partition);
            }
        }
    }

    private Cursor Heads(StreamPartition partition)
    {
        Cursor cursor = Cursor.Start;
        foreach (LaneStatus status in services.Store.Lanes(partition))
        {
            cursor = status.NextOffset > Offset.Zero ? cursor.With(status.Lane.Origin, status.NextOffset) : cursor;
        }

        return cursor;
    }

    private async ValueTask WriteAsync(long goneAt, uint expiry, CancellationToken cancellationToken)
    {
        byte[] value = SessionRecordFormat.Write(new SessionRecord
        {
            ExpirySeconds = expiry,
            GoneAt = goneAt,
            Owner = services.Store.Origin.ToString(),
            Subscriptions = Subscriptions,
        });
        if (value.Length > RegisterFact.MaxValueBytes)
        {
            throw new InvalidRequestException(
                $"{name.Text} takes {value.Length} bytes, at most {RegisterFact.MaxValueBytes} are allowed: it covers too many partitions");
        }

        await services.Store.EnsureStreamAsync(SessionRecord.Stream, cancellationToken).ConfigureAwait(false);
        await services.Store.SetRegisterAsync(SessionRecord.Stream, name.CursorName.Value, value, cancellationToken).ConfigureAwait(false);
    }

    private ValueTask RemoveAsync(CancellationToken cancellationToken) =>
        services.Store.SetRegisterAsync(SessionRecord.Stream, name.CursorName.Value, ReadOnlyMemory<byte>.Empty, cancellationToken);
}

using System.Collections.Concurrent;
using Streams.Core;
using Streams.Mqtt;

namespace Streams.Gateways;

/// <summary>The wills of this cluster's connections: in the log from before CONNACK until they are published or taken back.</summary>
/// <remarks>Safe for use by many threads. Failure: a will that could not be published, or whose removal failed, stays in the log and is
/// tried again, also by the next process; its identity keeps it one event. A will that its client took back while the store refused is
/// remembered in memory and removed as soon as that is possible.</remarks>
internal sealed class WillKeeper(GatewayServices services, WillPublisher publisher, Func<string, MqttSession?> connected, ClientGate gate,
    Reminders reminders)
{
    private static readonly TimeSpan Retry = TimeSpan.FromSeconds(1);

    private readonly WillStore _store = new(services.Store, services.Log);
    private readonly Lock _lock = new();
    private readonly PlacePool _places = new();
    private readonly ConcurrentDictionary<string, EventIdentity> _takenBack = new(StringComparer.Ordinal);     // by key
    private readonly ConcurrentDictionary<string, string> _left = new(StringComparer.Ordinal);   // client to key of an earlier process

    /// <summary>A connection has come and is the client's only one here: the will of an earlier one goes out, or is not to go out any more.
    /// Before its own is stored.</summary>
    /// <param name="session">The session of the new connection.</param>
    /// <param name="goesOn">Whether it goes on with a kept session.</param>
    /// <exception cref="StreamsException">The store refuses.</exception>
    public async Task EndEarlierAsync(MqttSession session, bool goesOn)
    {
        string clientId = session.Client.ClientId;
        string kept = WillKeys.Of(clientId);
        reminders.Cancel(kept);
        await EndEarlierAsync(kept, goesOn).ConfigureAwait(false);
        if (_left.TryGetValue(clientId, out string? place))
        {
            await EndLeftAsync(place, clientId, goesOn).ConfigureAwait(false);
        }
    }

    /// <summary>Stores the will of a connection; completes when it is flushed, before CONNACK. That of an earlier one is gone
    /// then.</summary>
    /// <exception cref="StreamsException">The store refuses.</exception>
    public async Task StoreAsync(MqttSession session)
    {
        string kept = WillKeys.Of(session.Client.ClientId);
        string? key = null;
        if (session.Client.Will is { } will)
        {
            key = session.Client.IsPersistent ? kept : TakePlace();
            WillRecord record = Make(session, will);
            session.Will = new StoredWill(key, record);
            await _store.WriteAsync(key, record, CancellationToken.None).ConfigureAwait(false);
        }

        if (key != kept)
        {
            await _store.RemoveAsync(kept, CancellationToken.None).ConfigureAwait(false);
        }

        _takenBack.TryRemove(kept, out _);
    }

    /// <summary>A connection is over; its session's record is as it stays. Throws nothing but a fault of the gateway itself.</summary>
    public async Task EndAsync(MqttSession session)
    {
        if (session.Will is not { } stored)
        {
            return;
        }

        session.Will = null;
        WillRecord will = stored.Record with { ExpirySeconds = session.Client.ExpirySeconds };
        if (_store.Find(stored.Key)?.Owner != session.Owner)
        {
            return;                                  // a newer connection at another cluster: it decided
        }

        if (session.SaidGoodbye)
        {
            await DiscardAsync(stored.Key, will).ConfigureAwait(false);
        }
        else if (will.Delay > TimeSpan.Zero && Fate(will) == WillFate.Publish)
        {
            await DelayAsync(stored.Key, will).ConfigureAwait(false);
        }
        else
        {
            await FinishAsync(stored.Key, will, Fate(will)).ConfigureAwait(false);
        }
    }

    /// <summary>A connection was not taken after all: it has no will.</summary>
    public Task RetractAsync(MqttSession session)
    {
        session.SaidGoodbye = true;
        return EndAsync(session);
    }

    /// <summary>A will was found in the log when all was looked through.</summary>
    /// <param name="key">Its key.</param>
    /// <param name="isStart">Whether this process has begun just now: what it finds of its cluster's open connections was left by one that
    /// was killed.</param>
    public void Found(string key, bool isStart)
    {
        if (_store.Find(key) is not { } will || !IsOurs(will) || connected(will.ClientId)?.Owner == will.Owner)
        {
            return;
        }

        if (isStart && !key.StartsWith(WillKeys.Kept, StringComparison.Ordinal))
        {
            _left[will.ClientId] = key;
        }

        long now = services.Time.GetUtcNow().ToUnixTimeMilliseconds();
        reminders.Set(key, WillRules.Left(will, now, isStart ? services.Options.WillGrace : TimeSpan.Zero));
    }

    /// <summary>A will may be due.</summary>
    public async Task DueAsync(string key)
    {
        if (_store.Find(key) is not { } found || !IsOurs(found))
        {
            return;
        }

        string turn = IsKept(key) ? found.ClientId : key;
        await gate.EnterAsync(turn, CancellationToken.None).ConfigureAwait(false);
        try
        {
            MqttSession? live = connected(found.ClientId);
            if (live?.Owner == found.Owner)
            {
                reminders.Set(key, Retry);           // it is ending
            }
            else if (_store.Find(key) is { } will && IsOurs(will) && (live is null || !IsKept(key)))
            {
                WillFate fate = WasTakenBack(key, will) ? WillFate.Discard : Fate(will);
                await FinishAsync(key, will, fate).ConfigureAwait(false);
            }
        }
        finally
        {
            gate.Leave(turn);
        }
    }

    private async Task EndLeftAsync(string place, string clientId, bool goesOn)
    {
        await gate.EnterAsync(place, CancellationToken.None).ConfigureAwait(false);
        try
        {
            reminders.Cancel(place);
            if (_store.Find(place) is { } left && left.ClientId == clientId)
            {
                await EndEarlierAsync(place, goesOn).ConfigureAwait(false);
                await RemoveAsync(place, left).ConfigureAwait(false);
            }

            _left.TryRemove(new KeyValuePair<string, string>(clientId, place));
        }
        finally
        {
            gate.Leave(place);
        }
    }

    private async Task EndEarlierAsync(string key, bool goesOn)
    {
        if (_store.Find(key) is not { } earlier)
        {
            return;
        }

        long now = services.Time.GetUtcNow().ToUnixTimeMilliseconds();
        if (WasTakenBack(key, earlier) || WillRules.OnConnect(earlier, IsOurs(earlier), goesOn, now) == WillFate.Discard)
        {
            return;
        }

        Answer answer = await publisher.PublishAsync(earlier).ConfigureAwait(false);
        if (answer.Code == MqttReasonCode.ImplementationSpecificError)
        {
            throw new TryAgainException($"the will of the connection before could not be published: {answer.Reason}");
        }

        TellLost(earlier, answer);
    }

    private async Task DelayAsync(string key, WillRecord will)
    {
        reminders.Set(key, will.Delay);
        try
        {
            WillRecord gone = will with { GoneAt = services.Time.GetUtcNow().ToUnixTimeMilliseconds() };
            await _store.UpdateAsync(key, gone, CancellationToken.None).ConfigureAwait(false);
        }
        catch (StreamsException e)
        {
            GatewayLog.WillHeldUp(services.Log, will.ClientId, e.Message);   // after a kill it waits its whole delay once more
        }
    }

    private Task DiscardAsync(string key, WillRecord will)
    {
        _takenBack[key] = will.Identity;             // until it is gone from the log
        return FinishAsync(key, will, WillFate.Discard);
    }

    private async Task FinishAsync(string key, WillRecord will, WillFate fate)
    {
        try
        {
            if (fate == WillFate.Publish)
            {
                Answer answer = await publisher.PublishAsync(will).ConfigureAwait(false);
                if (answer.Code == MqttReasonCode.ImplementationSpecificError)
                {
                    throw new TryAgainException(answer.Reason ?? string.Empty);
                }

                TellLost(will, answer);
            }

            await RemoveAsync(key, will).ConfigureAwait(false);
            _takenBack.TryRemove(key, out _);
            _left.TryRemove(new KeyValuePair<string, string>(will.ClientId, key));
        }
        catch (StreamsException e)
        {
            GatewayLog.WillHeldUp(services.Log, will.ClientId, e.Message);
            reminders.Set(key, Retry);
        }
    }

    private async Task RemoveAsync(string key, WillRecord will)
    {
        bool isPlace = WillKeys.TryPlace(key, services.Store.Origin.Cluster, out int place);
        if (isPlace)
        {
            lock (_lock)
            {
                isPlace = _places.IsTaken(place);    // as long as something is in it, nobody else takes it
            }
        }

        await _store.EndAsync(key, will.Identity, CancellationToken.None).ConfigureAwait(false);
        if (isPlace)
        {
            lock (_lock)
            {
                _places.Free(place);
            }
        }
    }

    // What an earlier process left in a place stays there until it is published.
    private string TakePlace()
    {
        lock (_lock)
        {
            while (true)
            {
                int place = _places.Take();
                string key = WillKeys.Of(services.Store.Origin.Cluster, place);
                if (!_store.Has(key))
                {
                    return key;
                }
            }
        }
    }

    private WillRecord Make(MqttSession session, MqttWill will) => new()
    {
        ClientId = session.Client.ClientId,
        Owner = session.Owner,
        DelaySeconds = will.Properties?.WillDelayInterval ?? 0,
        ExpirySeconds = session.Client.ExpirySeconds,
        Identity = publisher.Next(),
        Topic = will.Topic,
        Retain = will.Retain,
        Headers = MqttHeaders.Encode(will.Properties, will.Qos, null),
        Payload = will.Payload,
    };

    private void TellLost(WillRecord will, Answer answer)
    {
        if (answer.IsRefusal)
        {
            GatewayLog.WillLost(services.Log, will.ClientId, will.Topic, answer.Reason ?? answer.Code.ToString());
        }
    }

    private bool WasTakenBack(string key, WillRecord will) =>
        _takenBack.TryGetValue(key, out EventIdentity identity) && identity == will.Identity;

    private WillFate Fate(WillRecord will) =>
        WillRules.OnDue(will, new SessionStore(services.Store, services.Time, services.Log).Find(will.ClientId)?.Owner);

    private bool IsOurs(WillRecord will) => WillRules.IsAt(will.Owner, services.Store.Origin.Cluster);

    private static bool IsKept(string key) => key.StartsWith(WillKeys.Kept, StringComparison.Ordinal);
}

/// <summary>The will of a connection, and where it is kept.</summary>
internal sealed record StoredWill(string Key, WillRecord Record);

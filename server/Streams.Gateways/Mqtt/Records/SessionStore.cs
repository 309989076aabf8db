using Microsoft.Extensions.Logging;
using Streams.Core;

namespace Streams.Gateways;

/// <summary>Reads and writes the records of persistent sessions.</summary>
internal sealed class SessionStore(IEventStore store, TimeProvider time, ILogger log)
{
    private const int LeaveAttempts = 3;

    /// <summary>The session kept for a client, or <see langword="null"/> when there is none that it may go on with.</summary>
    public SessionRecord? Find(string clientId)
    {
        if (Value(clientId) is not { IsEmpty: false } value)
        {
            return null;
        }

        SessionRecord? record = SessionRecordFormat.Read(value);
        if (record is null)
        {
            GatewayLog.SessionUnreadable(log, clientId, "its bytes are no session of a version known here");
        }

        return record is null || record.IsExpired(time.GetUtcNow()) ? null : record;
    }

    /// <summary>Whether anything is kept for a client, an expired session included.</summary>
    public bool Has(string clientId) => Value(clientId) is { IsEmpty: false };

    /// <summary>Writes a session; completes when it is flushed.</summary>
    /// <exception cref="InvalidRequestException">It takes more bytes than a register may.</exception>
    public async ValueTask WriteAsync(string clientId, byte[] value, CancellationToken cancellationToken)
    {
        if (value.Length > RegisterFact.MaxValueBytes)
        {
            throw new InvalidRequestException(
                $"session takes {value.Length} bytes, at most {RegisterFact.MaxValueBytes} are allowed: subscribe to less");
        }

        await store.EnsureStreamAsync(SessionRecord.Stream, cancellationToken).ConfigureAwait(false);
        await store.SetRegisterAsync(SessionRecord.Stream, SessionRecord.Key(clientId), value, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Ends a session; its cursors stay, and the next one begins at the heads.</summary>
    public async ValueTask RemoveAsync(string clientId, CancellationToken cancellationToken)
    {
        await WriteAsync(clientId, [], cancellationToken).ConfigureAwait(false);
        await ClearExchangeAsync(clientId, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Takes away what a session that is over remembered of exchanges of packets. They name that session, so that what a crash
    /// leaves of them counts for no other.</summary>
    public async ValueTask ClearExchangeAsync(string clientId, CancellationToken cancellationToken)
    {
        await ClearAsync(ReceivedMarks.Key(clientId), cancellationToken).ConfigureAwait(false);
        await ClearAsync(WindowRecord.Key(clientId), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Writes what the client was sent and has not acknowledged to the end, where there is something, or was. As if right
    /// behind the connection's own record: a cluster that a client has left, cut off from the one it went to, does not know, and its clock
    /// goes on; what the newer connection writes must win over all that the older one still does.</summary>
    /// <param name="clientId">The client.</param>
    /// <param name="owner">The connection.</param>
    /// <param name="window">What is written.</param>
    /// <param name="before">The moment of the connection's write before this one, which may still be on its way: nobody waits for it
    /// any more when the connection ends. Gets that of this one.</param>
    /// <param name="cancellationToken">Ends the waiting, not the write.</param>
    /// <exception cref="TryAgainException">A newer connection has gone on with the session.</exception>
    public async ValueTask WriteWindowAsync(string clientId, string owner, byte[] window, WindowMoment before,
        CancellationToken cancellationToken)
    {
        if (store.Register(SessionRecord.Stream, SessionRecord.Key(clientId)) is not { Value.IsEmpty: false } record
            || SessionHead.Read(record.Value)?.Owner != owner)
        {
            throw new TryAgainException($"session '{clientId}' goes on over another connection");
        }

        string key = WindowRecord.Key(clientId);
        RegisterFact known = store.Register(SessionRecord.Stream, key) ?? new RegisterFact(key, record.At, default);
        if (window.Length > 0 || !known.Value.IsEmpty || before.At.CompareTo(known.At) > 0)
        {
            known = known with { At = Later(known.At, Later(record.At, before.At)) };
            before.At = known.At.Successor(store.Origin.Cluster);
            await store.ReplaceRegisterAsync(SessionRecord.Stream, known, window, cancellationToken).ConfigureAwait(false);
        }
    }

    private static HybridTimestamp Later(HybridTimestamp a, HybridTimestamp b) => a.CompareTo(b) >= 0 ? a : b;

    private async ValueTask ClearAsync(string key, CancellationToken cancellationToken)
    {
        if (store.Register(SessionRecord.Stream, key) is { Value.IsEmpty: false } known)
        {
            await store.ReplaceRegisterAsync(SessionRecord.Stream, known, default, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Writes what follows from the end of a connection, while the session is its: an empty value ends the session. A newer
    /// connection's record stays, also where it has not come yet. Completes when it is flushed.</summary>
    /// <returns>Whether the record was the connection's.</returns>
    public async ValueTask<bool> LeaveAsync(string clientId, string owner, byte[] value, CancellationToken cancellationToken)
    {
        if (value.Length > RegisterFact.MaxValueBytes)
        {
            throw new InvalidRequestException($"session takes {value.Length} bytes, at most {RegisterFact.MaxValueBytes} are allowed");
        }

        // A record of the connection itself that was still on its way comes behind the first attempt.
        for (int i = 0; i < LeaveAttempts; i++)
        {
            if (store.Register(SessionRecord.Stream, SessionRecord.Key(clientId)) is not { Value.IsEmpty: false } known)
            {
                return i > 0 && value.Length == 0;
            }

            if (SessionHead.Read(known.Value)?.Owner != owner)
            {
                return false;                            // a newer connection's has come, maybe just now
            }

            if (known.Value.Span.SequenceEqual(value))
            {
                break;
            }

            await store.ReplaceRegisterAsync(SessionRecord.Stream, known, value, cancellationToken).ConfigureAwait(false);
        }

        return true;
    }

    /// <summary>Ends a session as it is known: what was written after that stays.</summary>
    public ValueTask EndAsync(RegisterFact known) =>
        store.ReplaceRegisterAsync(SessionRecord.Stream, known, default, CancellationToken.None);

    private ReadOnlyMemory<byte>? Value(string clientId) => store.Register(SessionRecord.Stream, SessionRecord.Key(clientId))?.Value;
}

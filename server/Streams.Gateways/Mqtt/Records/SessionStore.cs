using Microsoft.Extensions.Logging;
using Streams.Core;

namespace Streams.Gateways;

/// <summary>Reads and writes the records of persistent sessions.</summary>
internal sealed class SessionStore(IEventStore store, TimeProvider time, ILogger log)
{
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
        await ClearAsync(ReceivedMarks.Key(clientId), cancellationToken).ConfigureAwait(false);
        await ClearAsync(WindowRecord.Key(clientId), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Writes what the client was sent and has not acknowledged to the end, where there is something, or was.</summary>
    public async ValueTask WriteWindowAsync(string clientId, byte[] window, CancellationToken cancellationToken)
    {
        if (window.Length > 0)
        {
            await store.SetRegisterAsync(SessionRecord.Stream, WindowRecord.Key(clientId), window, cancellationToken).ConfigureAwait(false);
        }
        else
        {
            await ClearAsync(WindowRecord.Key(clientId), cancellationToken).ConfigureAwait(false);
        }
    }

    private async ValueTask ClearAsync(string key, CancellationToken cancellationToken)
    {
        if (store.Register(SessionRecord.Stream, key) is { Value.IsEmpty: false })
        {
            await store.SetRegisterAsync(SessionRecord.Stream, key, default, cancellationToken).ConfigureAwait(false);
        }
    }

    private ReadOnlyMemory<byte>? Value(string clientId) => store.Register(SessionRecord.Stream, SessionRecord.Key(clientId))?.Value;
}

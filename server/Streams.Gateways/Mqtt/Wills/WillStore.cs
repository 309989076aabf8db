using System.Buffers.Binary;
using Microsoft.Extensions.Logging;
using Streams.Core;

namespace Streams.Gateways;

/// <summary>Reads and writes wills. One that is longer than a register takes up to four: the further ones begin with the will's
/// identity, so that what is left of another will is not taken for a part of it.</summary>
internal sealed class WillStore(IEventStore store, ILogger log)
{
    private const int MaxParts = 4;
    private const int PartBytes = RegisterFact.MaxValueBytes - IdentityBytes;
    private const int IdentityBytes = ProducerId.Size + 8 + 8;

    /// <summary>The will under a key; <see langword="null"/> when there is none that can be read.</summary>
    public WillRecord? Find(string key)
    {
        if (Value(key) is not { IsEmpty: false } value)
        {
            return null;
        }

        WillRecord? record = WillRecordFormat.Read(Whole(key, value));
        if (record is null)
        {
            GatewayLog.WillUnreadable(log, key);
        }

        return record;
    }

    /// <summary>Whether anything is under a key.</summary>
    public bool Has(string key) => Value(key) is { IsEmpty: false };

    /// <summary>Writes a will; completes when it is flushed.</summary>
    public async ValueTask WriteAsync(string key, WillRecord record, CancellationToken cancellationToken)
    {
        await store.EnsureStreamAsync(SessionRecord.Stream, cancellationToken).ConfigureAwait(false);
        byte[] bytes = WillRecordFormat.Write(record);
        int parts = bytes.Length <= RegisterFact.MaxValueBytes ? 1
            : 1 + ((bytes.Length - RegisterFact.MaxValueBytes + PartBytes - 1) / PartBytes);
        if (parts > MaxParts)
        {
            throw new InvalidRequestException($"the will takes {bytes.Length} bytes, which is more than can be kept");
        }

        bytes[WillRecordFormat.PartsAt] = (byte)parts;
        List<Task> writes = new(parts);
        for (int i = 1; i < parts; i++)
        {
            byte[] part = Part(record.Identity, bytes, i);
            string partKey = WillKeys.Part(key, i);
            if (Value(partKey) is not { } known || !known.Span.SequenceEqual(part))
            {
                writes.Add(SetAsync(partKey, part, cancellationToken));
            }
        }

        writes.Add(SetAsync(key, bytes.AsMemory(0, Math.Min(bytes.Length, RegisterFact.MaxValueBytes)), cancellationToken));
        AddRemovals(writes, key, parts, cancellationToken);
        await Task.WhenAll(writes).ConfigureAwait(false);
    }

    /// <summary>Writes what became of a will with the end of its connection, if it is there as it was; completes when that is flushed. A
    /// newer connection's will stays, also where it has not come yet.</summary>
    public async ValueTask UpdateAsync(string key, WillRecord record, CancellationToken cancellationToken)
    {
        if (Known(key, record.Identity) is { } known)
        {
            byte[] bytes = WillRecordFormat.Write(record);
            bytes[WillRecordFormat.PartsAt] = known.Value.Span[WillRecordFormat.PartsAt];
            await store.ReplaceRegisterAsync(SessionRecord.Stream, known, bytes.AsMemory(0, Math.Min(bytes.Length, known.Value.Length)),
                cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Removes a will that is over, if it is there as it was; else like <see cref="UpdateAsync"/>.</summary>
    public async ValueTask EndAsync(string key, EventIdentity identity, CancellationToken cancellationToken)
    {
        if (Known(key, identity) is { } known)
        {
            List<Task> writes = [store.ReplaceRegisterAsync(SessionRecord.Stream, known, default, cancellationToken).AsTask()];
            AddRemovals(writes, key, 1, cancellationToken);
            await Task.WhenAll(writes).ConfigureAwait(false);
        }
    }

    /// <summary>Removes a will, if there is one, whatever it is; completes when that is flushed.</summary>
    public async ValueTask RemoveAsync(string key, CancellationToken cancellationToken)
    {
        if (Has(key))
        {
            List<Task> writes = [SetAsync(key, default, cancellationToken)];
            AddRemovals(writes, key, 1, cancellationToken);
            await Task.WhenAll(writes).ConfigureAwait(false);
        }
    }

    private void AddRemovals(List<Task> writes, string key, int from, CancellationToken cancellationToken)
    {
        for (int i = from; i < MaxParts; i++)
        {
            string partKey = WillKeys.Part(key, i);
            if (Has(partKey))
            {
                writes.Add(SetAsync(partKey, default, cancellationToken));
            }
        }
    }

    private Task SetAsync(string key, ReadOnlyMemory<byte> value, CancellationToken cancellationToken) =>
        store.SetRegisterAsync(SessionRecord.Stream, key, value, cancellationToken).AsTask();

    // Nothing, which is no will, when a part is missing or of another will.
    private ReadOnlyMemory<byte> Whole(string key, ReadOnlyMemory<byte> head)
    {
        int parts = head.Length > WillRecordFormat.PartsAt ? head.Span[WillRecordFormat.PartsAt] : 0;
        if (parts <= 1)
        {
            return head;
        }

        List<byte> whole = new(parts * RegisterFact.MaxValueBytes);
        whole.AddRange(head.Span);
        ReadOnlyMemory<byte> identity = default;
        for (int i = 1; i < Math.Min(parts, MaxParts + 1); i++)
        {
            ReadOnlyMemory<byte> part = Value(WillKeys.Part(key, i)) ?? default;
            if (part.Length <= IdentityBytes || (i > 1 && !part.Span[..IdentityBytes].SequenceEqual(identity.Span)))
            {
                return default;
            }

            identity = part[..IdentityBytes];
            whole.AddRange(part.Span[IdentityBytes..]);
        }

        byte[] bytes = [.. whole];
        return WillRecordFormat.Read(bytes) is { } record && Identity(record.Identity).AsSpan().SequenceEqual(identity.Span)
            ? bytes : default;
    }

    private static byte[] Part(EventIdentity identity, byte[] bytes, int part)
    {
        int from = RegisterFact.MaxValueBytes + ((part - 1) * PartBytes);
        return [.. Identity(identity), .. bytes.AsSpan(from, Math.Min(PartBytes, bytes.Length - from))];
    }

    private static byte[] Identity(EventIdentity identity)
    {
        byte[] bytes = new byte[IdentityBytes];
        identity.Producer.Write(bytes);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(ProducerId.Size), identity.Epoch);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(ProducerId.Size + 8), identity.Sequence);
        return bytes;
    }

    private RegisterFact? Known(string key, EventIdentity identity) =>
        store.Register(SessionRecord.Stream, key) is { Value.IsEmpty: false } fact && Find(key)?.Identity == identity ? fact : null;

    private ReadOnlyMemory<byte>? Value(string key) => store.Register(SessionRecord.Stream, key)?.Value;
}

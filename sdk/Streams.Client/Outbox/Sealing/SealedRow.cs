using System.Buffers.Binary;
using System.Security.Cryptography;
using Streams.Core;

namespace Streams.Client;

/// <summary>How key, headers and payload of an event stand sealed in the column of the payload; the other two columns are empty
/// then.</summary>
/// <remarks>
/// <code>
/// u8 version (1) · 16 bytes salt · u64 number · 16 bytes tag · sealed: u16 key bytes · u32 header bytes · key · headers · payload
/// </code>
/// AES-256-GCM. The salt is drawn anew by each opening and makes, with the key, a key of that opening alone (HKDF-SHA-256); rows are
/// numbered under it, and the number is the nonce. Bound to it: time and topic.
/// </remarks>
internal static class SealedRow
{
    /// <summary>The version written.</summary>
    public const byte Version = 1;

    /// <summary>Bytes of the salt.</summary>
    public const int SaltBytes = 16;

    /// <summary>Bytes in clear before what is sealed.</summary>
    public const int HeadBytes = 1 + SaltBytes + 8 + TagBytes;

    /// <summary>Bytes of the lengths within what is sealed.</summary>
    public const int LengthBytes = 6;

    /// <summary>Bytes that a sealed event takes more than a plain one.</summary>
    public const int Overhead = HeadBytes + LengthBytes;

    /// <summary>Bytes of the tag.</summary>
    public const int TagBytes = 16;

    /// <summary>Where the number stands.</summary>
    public const int NumberAt = 1 + SaltBytes;

    /// <summary>Where the tag stands.</summary>
    public const int TagAt = NumberAt + 8;

    /// <summary>The cipher of an opening.</summary>
    public static AesGcm CipherOf(ReadOnlySpan<byte> key, ReadOnlySpan<byte> salt)
    {
        Span<byte> own = stackalloc byte[OutboxEncryption.KeyBytes];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, key, own, salt, "streams outbox row 1"u8);
        AesGcm cipher = new(own, TagBytes);
        CryptographicOperations.ZeroMemory(own);
        return cipher;
    }

    /// <summary>The nonce of a row.</summary>
    public static void WriteNonce(Span<byte> nonce, ReadOnlySpan<byte> number)
    {
        nonce[..4].Clear();
        number.CopyTo(nonce[4..]);
    }

    /// <summary>What a row is bound to.</summary>
    public static ReadOnlySpan<byte> Bound(ref byte[] buffer, long at, ReadOnlySpan<byte> topic)
    {
        if (buffer.Length < topic.Length + 8)
        {
            buffer = new byte[Math.Max(256, 2 * (topic.Length + 8))];
        }

        BinaryPrimitives.WriteInt64LittleEndian(buffer, at);
        topic.CopyTo(buffer.AsSpan(8));
        return buffer.AsSpan(0, topic.Length + 8);
    }
}

/// <summary>What was sealed, valid until the next row is opened.</summary>
internal readonly ref struct OpenedRow(ReadOnlySpan<byte> key, ReadOnlySpan<byte> headers, ReadOnlySpan<byte> payload)
{
    /// <summary>The key.</summary>
    public ReadOnlySpan<byte> Key { get; } = key;

    /// <summary>The headers.</summary>
    public ReadOnlySpan<byte> Headers { get; } = headers;

    /// <summary>The payload.</summary>
    public ReadOnlySpan<byte> Payload { get; } = payload;
}

/// <summary>Seals what is written. Used by the writer's thread alone; allocates only where a greater event comes than any before.</summary>
internal sealed class RowSealer : IDisposable
{
    private readonly AesGcm _cipher;
    private readonly byte[] _salt = new byte[SealedRow.SaltBytes];
    private byte[] _row = new byte[4096];
    private byte[] _bound = [];
    private ulong _number;

    /// <summary>For one opening, under the current key.</summary>
    public RowSealer(SealKeys keys)
    {
        RandomNumberGenerator.Fill(_salt);
        Key = keys.Current;
        _cipher = SealedRow.CipherOf(keys.Key(Key), _salt);
    }

    /// <summary>The key's number.</summary>
    public long Key { get; }

    /// <summary>Seals an event; the bytes are valid until the next.</summary>
    public ReadOnlySpan<byte> Seal(scoped in PlainEvent content)
    {
        ReadOnlySpan<byte> key = content.Key.Span;
        ReadOnlySpan<byte> headers = content.Headers.Span;
        int length = SealedRow.Overhead + key.Length + headers.Length + content.Payload.Length;
        if (_row.Length < length)
        {
            _row = new byte[Math.Max(length, 2 * _row.Length)];
        }

        Span<byte> row = _row.AsSpan(0, length);
        row[0] = SealedRow.Version;
        _salt.CopyTo(row[1..]);
        BinaryPrimitives.WriteUInt64BigEndian(row[SealedRow.NumberAt..], ++_number);
        Span<byte> inside = row[SealedRow.HeadBytes..];
        BinaryPrimitives.WriteUInt16LittleEndian(inside, (ushort)key.Length);
        BinaryPrimitives.WriteInt32LittleEndian(inside[2..], headers.Length);
        key.CopyTo(inside[SealedRow.LengthBytes..]);
        headers.CopyTo(inside[(SealedRow.LengthBytes + key.Length)..]);
        content.Payload.Span.CopyTo(inside[(SealedRow.LengthBytes + key.Length + headers.Length)..]);
        Span<byte> nonce = stackalloc byte[12];
        SealedRow.WriteNonce(nonce, row.Slice(SealedRow.NumberAt, 8));
        _cipher.Encrypt(nonce, inside, inside, row.Slice(SealedRow.TagAt, SealedRow.TagBytes),
            SealedRow.Bound(ref _bound, content.TimestampMicroseconds, content.Topic.Span));
        return row;
    }

    /// <inheritdoc/>
    public void Dispose() => _cipher.Dispose();
}

/// <summary>Opens what is sealed. Used by one thread at a time.</summary>
internal sealed class RowOpener(SealKeys keys) : IDisposable
{
    private const int MostCiphers = 32;                        // one for each opening whose events wait, and no more at once

    private readonly Dictionary<(long Key, UInt128 Salt), AesGcm> _ciphers = [];
    private byte[] _plain = new byte[4096];
    private byte[] _bound = [];

    /// <summary>Opens a row; false when it is not what was sealed.</summary>
    /// <param name="seal">The key's number.</param>
    /// <param name="at">The row's time.</param>
    /// <param name="topic">The row's topic.</param>
    /// <param name="row">What stands for its payload.</param>
    /// <param name="opened">What was sealed.</param>
    public bool TryOpen(long seal, long at, ReadOnlySpan<byte> topic, ReadOnlySpan<byte> row, out OpenedRow opened)
    {
        opened = default;
        if (row.Length < SealedRow.Overhead || row[0] != SealedRow.Version || keys.Key(seal).IsEmpty)
        {
            return false;
        }

        ReadOnlySpan<byte> inside = row[SealedRow.HeadBytes..];
        if (_plain.Length < inside.Length)
        {
            _plain = new byte[Math.Max(inside.Length, 2 * _plain.Length)];
        }

        Span<byte> plain = _plain.AsSpan(0, inside.Length);
        Span<byte> nonce = stackalloc byte[12];
        SealedRow.WriteNonce(nonce, row.Slice(SealedRow.NumberAt, 8));
        try
        {
            CipherOf(seal, row.Slice(1, SealedRow.SaltBytes)).Decrypt(nonce, inside, row.Slice(SealedRow.TagAt, SealedRow.TagBytes), plain,
                SealedRow.Bound(ref _bound, at, topic));
        }
        catch (AuthenticationTagMismatchException)
        {
            return false;
        }

        int key = BinaryPrimitives.ReadUInt16LittleEndian(plain);
        int headers = BinaryPrimitives.ReadInt32LittleEndian(plain[2..]);
        ReadOnlySpan<byte> parts = plain[SealedRow.LengthBytes..];
        opened = new OpenedRow(parts[..key], parts.Slice(key, headers), parts[(key + headers)..]);
        return true;
    }

    /// <inheritdoc/>
    public void Dispose() => Clear();

    private AesGcm CipherOf(long seal, ReadOnlySpan<byte> salt)
    {
        (long, UInt128) name = (seal, BinaryPrimitives.ReadUInt128BigEndian(salt));
        if (!_ciphers.TryGetValue(name, out AesGcm? cipher))
        {
            if (_ciphers.Count == MostCiphers)
            {
                Clear();
            }

            cipher = SealedRow.CipherOf(keys.Key(seal), salt);
            _ciphers.Add(name, cipher);
        }

        return cipher;
    }

    private void Clear()
    {
        foreach (AesGcm cipher in _ciphers.Values)
        {
            cipher.Dispose();
        }

        _ciphers.Clear();
    }
}

using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Streams.Core;

namespace FieldTrial;

/// <summary>Hashes the events of a lane as they are read, in the same form as the server's own digest of a lane, so that the two can be
/// compared by hand:
/// for each event, little-endian, offset (8), producer (16), epoch (8), sequence (8), microseconds (8), then topic, key, headers as
/// stored and payload,
/// each with its length (4).</summary>
internal sealed class LaneHash : IDisposable
{
    private readonly IncrementalHash _lane = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly ArrayBufferWriter<byte> _event = new();

    public string Finish() => Convert.ToHexStringLower(_lane.GetHashAndReset());

    /// <summary>Adds an event; gives its payload and eight bytes of its own hash.</summary>
    public (byte[] Payload, ulong Fingerprint) Add(long offset, JsonElement json)
    {
        _event.ResetWrittenCount();
        Number(offset);
        Span<byte> producer = _event.GetSpan(ProducerId.Size);
        Convert.FromHexString(json.GetProperty("producer").GetString()!, producer[..ProducerId.Size], out _, out _);
        _event.Advance(ProducerId.Size);
        Number((long)ulong.Parse(json.GetProperty("epoch").GetString()!, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture));
        Number(json.GetProperty("sequence").GetInt64());
        Number(json.GetProperty("timestamp").GetInt64());
        byte[] payload = json.GetProperty("payload").GetBytesFromBase64();
        Block(Encoding.UTF8.GetBytes(json.GetProperty("topic").GetString()!));
        Block(json.TryGetProperty("key", out JsonElement key) ? key.GetBytesFromBase64() : []);
        Block(Headers(json));
        Block(payload);
        _lane.AppendData(_event.WrittenSpan);
        Span<byte> own = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(_event.WrittenSpan, own);
        return (payload, BinaryPrimitives.ReadUInt64LittleEndian(own));
    }

    public void Dispose() => _lane.Dispose();

    private static byte[] Headers(JsonElement json) => !json.TryGetProperty("headers", out JsonElement headers) ? []
        : EventHeader.Encode([.. headers.EnumerateArray().Select(header =>
            new EventHeader(header.GetProperty("name").GetString()!, header.GetProperty("value").GetBytesFromBase64()))]);

    private void Number(long value)
    {
        BinaryPrimitives.WriteInt64LittleEndian(_event.GetSpan(8), value);
        _event.Advance(8);
    }

    private void Block(ReadOnlySpan<byte> bytes)
    {
        BinaryPrimitives.WriteInt32LittleEndian(_event.GetSpan(4), bytes.Length);
        _event.Advance(4);
        _event.Write(bytes);
    }
}

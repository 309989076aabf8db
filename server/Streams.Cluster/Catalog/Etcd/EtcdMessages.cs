using System.Text.Json;
using System.Text.Json.Serialization;

namespace Streams.Cluster;

// The messages of etcd's HTTP/JSON gateway, as far as they are used here. 64-bit numbers are strings, bytes are base64, what is default is
// left out; so lists are set, not initialised: what the generated code initialises is null when it is left out.
internal sealed record EtcdHeader(long Revision);

internal sealed record EtcdKeyValue
{
    public byte[] Key { get; set; } = [];

    public byte[] Value { get; set; } = [];

    public long ModRevision { get; init; }

    public long Lease { get; init; }
}

internal sealed record EtcdRange(byte[] Key)
{
    public byte[]? RangeEnd { get; init; }

    public long Limit { get; init; }

    public long Revision { get; init; }
}

internal sealed record EtcdRangeAnswer
{
    public EtcdHeader? Header { get; init; }

    public IReadOnlyList<EtcdKeyValue> Kvs { get; set; } = [];

    public bool More { get; init; }
}

internal sealed record EtcdCompare(byte[] Key, long ModRevision)
{
    public string Target { get; init; } = "MOD";

    // What is left out is compared with EQUAL, but 0 may not be left out.
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public long ModRevision { get; init; } = ModRevision;
}

internal sealed record EtcdPut(byte[] Key, byte[] Value)
{
    public long Lease { get; init; }
}

internal sealed record EtcdDelete(byte[] Key);

internal sealed record EtcdOperation
{
    public EtcdRange? RequestRange { get; init; }

    public EtcdPut? RequestPut { get; init; }

    public EtcdDelete? RequestDeleteRange { get; init; }
}

internal sealed record EtcdTransaction(
    IReadOnlyList<EtcdCompare> Compare, IReadOnlyList<EtcdOperation> Success, IReadOnlyList<EtcdOperation> Failure);

internal sealed record EtcdOperationAnswer
{
    public EtcdRangeAnswer? ResponseRange { get; init; }
}

internal sealed record EtcdTransactionAnswer
{
    public EtcdHeader? Header { get; init; }

    public bool Succeeded { get; init; }

    public IReadOnlyList<EtcdOperationAnswer> Responses { get; set; } = [];
}

internal sealed record EtcdLease
{
    [JsonPropertyName("ID")]
    public long Id { get; init; }

    [JsonPropertyName("TTL")]
    public long TimeToLive { get; init; }
}

internal sealed record EtcdLeaseAnswer
{
    public EtcdLease? Result { get; init; }
}

internal sealed record EtcdEmpty;

internal sealed record EtcdLogin(string Name, string Password);

internal sealed record EtcdToken(string Token);

internal sealed record EtcdWatch(EtcdWatchCreate CreateRequest);

internal sealed record EtcdWatchCreate(byte[] Key, byte[] RangeEnd, long StartRevision)
{
    public bool Fragment { get; init; } = true;
}

internal sealed record EtcdWatchAnswer
{
    public EtcdWatchResult? Result { get; init; }

    public JsonElement? Error { get; init; }
}

internal sealed record EtcdWatchResult
{
    public EtcdHeader? Header { get; init; }

    public bool Created { get; init; }

    public bool Canceled { get; init; }

    public long CompactRevision { get; init; }

    public string? CancelReason { get; init; }

    public bool Fragment { get; init; }

    public IReadOnlyList<EtcdEvent> Events { get; set; } = [];
}

internal sealed record EtcdEvent
{
    public string? Type { get; init; }

    public EtcdKeyValue? Kv { get; init; }
}

/// <summary>What is answered instead of an answer, by all versions of the gateway.</summary>
internal sealed record EtcdFault
{
    public JsonElement? Error { get; init; }

    public string? Message { get; init; }

    public int Code { get; init; }
}

/// <summary>The JSON of etcd's gateway, generated at compile time.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault,
    NumberHandling = JsonNumberHandling.AllowReadingFromString | JsonNumberHandling.WriteAsString)]
[JsonSerializable(typeof(EtcdRange))]
[JsonSerializable(typeof(EtcdRangeAnswer))]
[JsonSerializable(typeof(EtcdTransaction))]
[JsonSerializable(typeof(EtcdTransactionAnswer))]
[JsonSerializable(typeof(EtcdLease))]
[JsonSerializable(typeof(EtcdLeaseAnswer))]
[JsonSerializable(typeof(EtcdEmpty))]
[JsonSerializable(typeof(EtcdLogin))]
[JsonSerializable(typeof(EtcdToken))]
[JsonSerializable(typeof(EtcdWatch))]
[JsonSerializable(typeof(EtcdWatchAnswer))]
[JsonSerializable(typeof(EtcdFault))]
internal sealed partial class EtcdJson : JsonSerializerContext;

using Streams.Core;

namespace Streams.Cluster;

/// <summary>What a catalog takes. The limits keep well inside those of etcd as it is installed (128 operations and 1.5 MiB a request), so
/// that both implementations take and refuse the same.</summary>
public static class CatalogLimits
{
    /// <summary>Longest key in bytes: the path of a stream (256 bytes of UTF-8) three times over when it is escaped, and what stands
    /// around it.</summary>
    public const int MaxKeyBytes = 1024;

    /// <summary>Longest value: a container's record has a few hundred bytes.</summary>
    public const int MaxValueBytes = 64 << 10;

    /// <summary>Most conditions, and most writes, of one transaction.</summary>
    public const int MaxOperations = 60;

    /// <summary>Most bytes of keys and values of one transaction: with base64 around them they stay under etcd's limit of a request.
    /// </summary>
    public const int MaxTransactionBytes = 768 << 10;

    /// <summary>Most entries that are listed at once: nothing in the catalog is per topic, per consumer or per event.</summary>
    public const int MaxEntries = 1_000_000;

    /// <summary>Shortest lease that can be asked for: etcd counts in seconds.</summary>
    public static readonly TimeSpan MinTimeToLive = TimeSpan.FromSeconds(1);

    /// <summary>Longest lease: a node that is gone must not be believed for longer than a day.</summary>
    public static readonly TimeSpan MaxTimeToLive = TimeSpan.FromDays(1);

    /// <summary>Checks a key.</summary>
    /// <exception cref="InvalidRequestException">It is none.</exception>
    public static void CheckKey(string key)
    {
        if (key.Length == 0)
        {
            throw new InvalidRequestException("catalog key: is empty");
        }

        CheckPrefix(key);
    }

    /// <summary>Checks a prefix of keys, which may be empty.</summary>
    /// <exception cref="InvalidRequestException">No key begins with it.</exception>
    public static void CheckPrefix(string prefix)
    {
        if (prefix.Length > MaxKeyBytes)
        {
            throw new InvalidRequestException($"catalog key: {prefix.Length} bytes, at most {MaxKeyBytes} are allowed");
        }

        if (prefix.AsSpan().IndexOfAnyExceptInRange('!', '~') is >= 0 and int bad)
        {
            throw new InvalidRequestException(
                $"catalog key: character U+{(int)prefix[bad]:X4} at {bad}; printable ASCII without blanks is allowed");
        }
    }

    /// <summary>Checks a transaction.</summary>
    /// <exception cref="InvalidRequestException">It is too great, or writes a key twice.</exception>
    public static void Check(CatalogTransaction transaction)
    {
        if (transaction.Conditions.Count > MaxOperations || transaction.Writes.Count is 0 or > MaxOperations)
        {
            throw new InvalidRequestException($"catalog transaction: {transaction.Conditions.Count} conditions and "
                + $"{transaction.Writes.Count} writes, up to {MaxOperations} and 1 to {MaxOperations} are allowed");
        }

        long bytes = 0;
        HashSet<string> written = new(StringComparer.Ordinal);
        foreach (CatalogCondition condition in transaction.Conditions)
        {
            CheckKey(condition.Key);
            bytes += condition.Key.Length;
        }

        foreach (CatalogWrite write in transaction.Writes)
        {
            CheckKey(write.Key);
            int length = write.Value?.Length ?? 0;
            bytes += write.Key.Length + length;
            if (length > MaxValueBytes)
            {
                throw new InvalidRequestException($"catalog value of {write.Key}: {length} bytes, at most {MaxValueBytes} are allowed");
            }

            if (!written.Add(write.Key))
            {
                throw new InvalidRequestException($"catalog transaction: writes {write.Key} twice");
            }
        }

        if (bytes > MaxTransactionBytes)
        {
            throw new InvalidRequestException($"catalog transaction: {bytes} bytes, at most {MaxTransactionBytes} are allowed");
        }
    }

    /// <summary>Checks how long a lease shall live.</summary>
    /// <exception cref="InvalidRequestException">Too short or too long.</exception>
    public static void CheckTimeToLive(TimeSpan timeToLive)
    {
        if (timeToLive < MinTimeToLive || timeToLive > MaxTimeToLive || timeToLive.Ticks % TimeSpan.TicksPerSecond != 0)
        {
            throw new InvalidRequestException(
                $"lease: {timeToLive}, whole seconds from {MinTimeToLive} to {MaxTimeToLive} are allowed");
        }
    }
}

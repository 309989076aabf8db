namespace Streams.Gateways;

/// <summary>One set of labels of an instrument and its value. Written by many threads without a lock, read at a scrape.</summary>
internal sealed class MetricSeries(KeyValuePair<string, object?>[] tags, double[]? bounds)
{
    private readonly long[]? _buckets = bounds is null ? null : new long[bounds.Length + 1];
    private double _value;
    private int _seen;

    /// <summary>The labels.</summary>
    public KeyValuePair<string, object?>[] Tags { get; } = tags;

    /// <summary>The next series whose labels have the same hash.</summary>
    public MetricSeries? Next { get; init; }

    /// <summary>The value, or the sum of a histogram.</summary>
    public double Value => Volatile.Read(ref _value);

    /// <summary>Whether an observed instrument named these labels since the last <see cref="Forget"/>.</summary>
    public bool WasSeen => Volatile.Read(ref _seen) != 0;

    public void Forget() => Volatile.Write(ref _seen, 0);

    public void Set(double value)
    {
        Volatile.Write(ref _value, value);
        Volatile.Write(ref _seen, 1);
    }

    public void Add(double value)
    {
        double now = Volatile.Read(ref _value);
        while (true)
        {
            double before = Interlocked.CompareExchange(ref _value, now + value, now);
            if (before.Equals(now))
            {
                return;
            }

            now = before;
        }
    }

    public void Record(double value)
    {
        int bucket = 0;
        while (bucket < bounds!.Length && value > bounds[bucket])
        {
            bucket++;
        }

        Interlocked.Increment(ref _buckets![bucket]);
        Add(value);
    }

    /// <summary>How many values fell into each bucket, the last being beyond all bounds.</summary>
    public long[] Buckets()
    {
        long[] copy = new long[_buckets!.Length];
        for (int i = 0; i < copy.Length; i++)
        {
            copy[i] = Interlocked.Read(ref _buckets[i]);
        }

        return copy;
    }

    public bool Has(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (tags.Length != Tags.Length)
        {
            return false;
        }

        for (int i = 0; i < tags.Length; i++)
        {
            if (tags[i].Key != Tags[i].Key || !Equals(tags[i].Value, Tags[i].Value))
            {
                return false;
            }
        }

        return true;
    }

    public static int Hash(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        HashCode hash = default;
        foreach ((string key, object? value) in tags)
        {
            hash.Add(key);
            hash.Add(value);
        }

        return hash.ToHashCode();
    }
}

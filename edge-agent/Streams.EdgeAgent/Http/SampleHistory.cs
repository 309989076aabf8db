namespace Streams.EdgeAgent;

/// <summary>The last samples, no more than fit: the oldest make room. Not safe for use by several threads.</summary>
internal sealed class SampleHistory(int capacity)
{
    private readonly Queue<Sample> _samples = new(capacity);

    /// <summary>The samples, the oldest first.</summary>
    public Sample[] All => [.. _samples];

    /// <summary>Adds one. After a clock was set back earlier ones no longer tell anything and go.</summary>
    public void Add(Sample sample)
    {
        if (_samples.Count > 0 && sample.At <= _samples.Last().At)
        {
            _samples.Clear();
        }

        if (_samples.Count == capacity)
        {
            _samples.Dequeue();
        }

        _samples.Enqueue(sample);
    }

    /// <summary>Events taken in a second between each two samples.</summary>
    public static double[] Rates(ReadOnlySpan<Sample> samples)
    {
        double[] rates = new double[Math.Max(0, samples.Length - 1)];
        for (int i = 0; i < rates.Length; i++)
        {
            double seconds = (samples[i + 1].At - samples[i].At).TotalSeconds;
            rates[i] = Math.Max(0, samples[i + 1].Taken - samples[i].Taken) / seconds;
        }

        return rates;
    }
}

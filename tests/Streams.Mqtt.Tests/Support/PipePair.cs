using System.IO.Pipelines;

namespace Streams.Mqtt.Tests;

/// <summary>Two ends of a connection in memory, with the back-pressure of real pipes.</summary>
internal sealed class PipePair
{
    public PipePair(int pauseAt = 64 * 1024)
    {
        PipeOptions options = new(pauseWriterThreshold: pauseAt, resumeWriterThreshold: pauseAt / 2, useSynchronizationContext: false);
        Pipe there = new(options);
        Pipe back = new(options);
        Near = new End(back.Reader, there.Writer);
        Far = new End(there.Reader, back.Writer);
    }

    public IDuplexPipe Near { get; }

    public IDuplexPipe Far { get; }

    private sealed record End(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}

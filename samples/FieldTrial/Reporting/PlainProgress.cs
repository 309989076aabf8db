namespace FieldTrial;

/// <summary>One line a second, for logs and pipes.</summary>
internal sealed class PlainProgress(TextWriter output, TimeProvider time) : IProgressView
{
    public async Task ShowAsync(Func<IRunMoment> moment, CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                await output.WriteLineAsync(moment().Line());
                await Task.Delay(TimeSpan.FromSeconds(1), time, cancellationToken);
            }
        }
        catch (OperationCanceledException)
        {
        }
    }
}

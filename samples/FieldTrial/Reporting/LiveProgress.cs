using Spectre.Console;

namespace FieldTrial;

/// <summary>A picture that redraws itself, for terminals.</summary>
internal sealed class LiveProgress(IAnsiConsole console, TimeProvider time) : IProgressView
{
    public Task ShowAsync(Func<IRunMoment> moment, CancellationToken cancellationToken) =>
        console.Live(moment().Draw()).AutoClear(false).StartAsync(async live =>
        {
            try
            {
                while (true)
                {
                    live.UpdateTarget(moment().Draw());
                    await Task.Delay(TimeSpan.FromMilliseconds(250), time, cancellationToken);
                }
            }
            catch (OperationCanceledException)
            {
                live.UpdateTarget(moment().Draw());
            }
        });
}
